"""Turns as OpenAI responses, whole and streamed. Written apart from the dialect, so that each checks the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.providers.scripted import wire
from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.turns import Call, Turn

_CREATED = 1_700_000_000  # seconds since the epoch
_LACKS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def proof_of(text: str) -> str:
    """What proves a thought: something that is checked by being equal."""
    return f"enc+{len(text)}/=="


def completion(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer."""
    return _ended(_head(request), turn, request, _items(turn, request))


def events(turn: Turn, request: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a streamed answer."""
    for number, fields in enumerate(_events(turn, request)):
        yield _event({**fields, "sequence_number": number})


def error_object(message: str, status: int) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = "rate_limit_exceeded" if status == 429 else "scripted_error"
    return wire.error_object(message, kind, "scripted")


def error_event(message: str) -> bytes:
    """An error within a stream."""
    error = {"type": "server_error", "code": "server_error", "message": message, "param": None}
    return _event({"type": "error", "error": error, "sequence_number": 99})


def _head(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": _CREATED,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": request.get("instructions"),
        "model": request.get("model", ""),
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": as_list(request.get("tools")),
        "usage": None,
        "metadata": {},
    }


def _ended(
    head: Mapping[str, Any], turn: Turn, request: Mapping[str, Any], items: list[dict[str, Any]]
) -> dict[str, Any]:
    lacks = _LACKS.get(turn.reason)
    ended = {
        "status": "incomplete" if lacks else "completed",
        "incomplete_details": {"reason": lacks} if lacks else None,
    }
    return {**head, **ended, "output": items, "usage": _usage(turn, request)}


def _usage(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    counted = dict(wire.usage_of(turn, request))
    if "input_tokens" in counted:
        return counted
    return {
        "input_tokens": counted["prompt_tokens"],
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": counted["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": counted["total_tokens"],
    }


def _items(turn: Turn, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if turn.reasoning:
        summary = [{"type": "summary_text", "text": turn.reasoning}]
        items.append({"id": _id("rs"), "type": "reasoning", "summary": summary, **_proof(turn, request)})
    if turn.text:
        part: dict[str, Any] = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
        items.append({"id": _id("msg"), **_MESSAGE, "status": "completed", "content": [part]})
    return items + [_call(call, request) for call in turn.calls]


_MESSAGE = {"type": "message", "role": "assistant", "phase": "final_answer"}


def _proof(turn: Turn, request: Mapping[str, Any]) -> dict[str, Any]:
    is_wanted = "reasoning.encrypted_content" in as_list(request.get("include"))
    return {"encrypted_content": proof_of(turn.reasoning)} if is_wanted else {}


def _call(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """A call to a tool of the kind that the request has of this name."""
    call_id = f"call_{uuid.uuid4().hex[:16]}" if call.id is None else call.id
    if call.name == "local_shell":
        action: dict[str, Any] = {"type": "exec", "command": ["sh", "-c", call.arguments_text], "env": {}}
        common = {"id": _id("lsh"), "call_id": call_id, "status": "completed"}
        return {**common, "type": "local_shell_call", "action": action}
    space, name = _place_of(call.name, request)
    spaced = {"namespace": space} if space else {}
    common = {"call_id": call_id, "name": name, "status": "completed", **spaced}
    if name in _customs(request):
        return {"id": _id("ctc"), "type": "custom_tool_call", **common, "input": call.arguments_text}
    return {"id": _id("fc"), "type": "function_call", **common, "arguments": call.arguments_text}


def _tools(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every tool, with its namespace; also those that came within the input."""
    lists = [as_list(request.get("tools"))]
    lists += [as_list(as_object(item).get("tools")) for item in as_list(request.get("input"))]
    for tool in (as_object(tool) for tools in lists for tool in tools):
        yield "", tool
        for inner in as_list(tool.get("tools")):
            yield str(tool.get("name")), as_object(inner)


def _place_of(name: str, request: Mapping[str, Any]) -> tuple[str, str]:
    for space, tool in _tools(request):
        if space and name == f"{space}__{tool.get('name')}":
            return space, str(tool.get("name"))
    return "", name


def _customs(request: Mapping[str, Any]) -> set[str]:
    return {str(tool.get("name")) for _, tool in _tools(request) if tool.get("type") == "custom"}


def _events(turn: Turn, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    head, items = _head(request), _items(turn, request)
    yield {"type": "response.created", "response": head}
    yield {"type": "response.in_progress", "response": head}
    for index, item in enumerate(items):
        yield {"type": "response.output_item.added", "output_index": index, "item": _empty(item)}
        for fields in _grow(item):
            yield {**fields, "output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    response = _ended(head, turn, request, items)
    yield {"type": f"response.{response['status']}", "response": response}


def _empty(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as it begins."""
    emptied: dict[str, Any] = {"content": [], "summary": [], "arguments": "", "input": ""}
    begun = {name: emptied.get(name, value) for name, value in item.items() if name != "encrypted_content"}
    return {**begun, "status": "in_progress"} if "status" in item else begun


def _grow(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match item["type"]:
        case "reasoning":
            yield from _grow_summary(item["summary"][0]["text"])
        case "message":
            yield from _grow_text(item["content"][0]["text"])
        case "function_call":
            for piece in wire.argument_pieces_of(item["arguments"]):
                yield {"type": "response.function_call_arguments.delta", "delta": piece}
            whole = {"arguments": item["arguments"], "name": item["name"]}
            yield {"type": "response.function_call_arguments.done", **whole}
        case "custom_tool_call":
            for piece in wire.argument_pieces_of(item["input"]):
                yield {"type": "response.custom_tool_call_input.delta", "delta": piece}
            yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}
        case _:
            pass


def _grow_summary(text: str) -> Iterator[dict[str, Any]]:
    kind, place = "response.reasoning_summary", {"summary_index": 0}
    yield {"type": f"{kind}_part.added", **place, "part": {"type": "summary_text", "text": ""}}
    for piece in wire.pieces_of(text):
        yield {"type": f"{kind}_text.delta", **place, "delta": piece}
    yield {"type": f"{kind}_text.done", **place, "text": text}
    yield {"type": f"{kind}_part.done", **place, "part": {"type": "summary_text", "text": text}}


def _grow_text(text: str) -> Iterator[dict[str, Any]]:
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    yield {"type": "response.content_part.added", "content_index": 0, "part": part}
    for piece in wire.pieces_of(text):
        yield {"type": "response.output_text.delta", "content_index": 0, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", "content_index": 0, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", "content_index": 0, "part": {**part, "text": text}}


def _event(fields: Mapping[str, Any]) -> bytes:
    return f"event: {fields['type']}\n".encode() + wire.event(fields)


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"
