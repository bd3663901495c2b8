"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for `model` and for what has
been changed since. Of another one nothing is stored: its client has no way to ask for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from gateway.conversation import Media, Message, ModelRequest, ToolCall, ToolResult
from gateway.dialects.crossing import ALLOWED_TOOLS, check_crossing, refuse_crossing, refuse_media
from gateway.dialects.json_values import list_or_empty
from gateway.dialects.openai_responses.calls import CallWriter
from gateway.dialects.openai_responses.content import write_media, write_parts
from gateway.dialects.openai_responses.item_writing import replayed_items
from gateway.dialects.openai_responses.name import NAME, own_object
from gateway.dialects.openai_responses.proofs import is_ours
from gateway.dialects.openai_responses.tools import write_tool_choice, write_tools

_PROOFS = "reasoning.encrypted_content"
_LONGEST_CALL_ID = 64


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=(ALLOWED_TOOLS,))
    is_own = request.dialect == NAME
    body: dict[str, Any] = {"model": model, **(request.extras if is_own else _carried_over(request))}
    _write_messages(body, request, stored=body.get("store") is not False)
    if tools := write_tools(request.tools):
        body["tools"] = tools
    choice = None if request.tool_choice is None else write_tool_choice(request.tool_choice)
    if choice is not None and (request.tools or is_own):
        body["tool_choice"] = choice
    if body.get("max_output_tokens") != request.max_tokens:
        body["max_output_tokens"] = request.max_tokens
    if bool(body.get("stream")) != request.stream:
        body["stream"] = request.stream
    if body.get("reasoning"):
        _ask_for_proofs(body)
    return body


def _ask_for_proofs(body: dict[str, Any]) -> None:
    """Thoughts that prove themselves can be sent on in the next round, whoever takes it."""
    include = list_or_empty(body.get("include"))
    if _PROOFS not in include:
        body["include"] = [*include, _PROOFS]


def _carried_over(request: ModelRequest) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    if request.n > 1:
        refuse_crossing("n", "n must be 1: the provider of this model gives one answer at a time")
    if request.stop:
        refuse_crossing("stop", "stop: the provider of this model takes no texts at which to stop")
    carried: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "user": request.user,
        "reasoning": None if request.effort is None else {"effort": request.effort},
        "text": _text(request),
        "parallel_tool_calls": request.parallel_calls if request.tools else None,
        "store": False,
    }
    return {name: value for name, value in carried.items() if value is not None}


def _text(request: ModelRequest) -> dict[str, Any] | None:
    schema = request.response_schema
    if schema is None:
        return {"format": {"type": "json_object"}} if request.structured_output else None
    strict = {} if schema.strict is None else {"strict": schema.strict}
    return {"format": {"type": "json_schema", "name": schema.name, "schema": schema.schema, **strict}}


def _write_messages(body: dict[str, Any], request: ModelRequest, *, stored: bool) -> None:
    """`instructions` and `input`; the items that came in this dialect are the very objects that came."""
    items: list[Any] = []
    calls = CallWriter(request.tools)
    text = None
    for message in request.messages:
        raw = own_object(message.source)
        if "instructions" in raw:
            body["instructions"] = raw["instructions"]
        elif "input" in raw:
            text = raw["input"]
            items.append({"type": "message", "role": "user", "content": text})
        elif raw:
            items += [item for item in list_or_empty(raw["items"]) if not is_ours(item)]
        elif message.role == "assistant":
            items += replayed_items(_with_short_ids(message), calls, stored=stored)
        else:
            items += _write_single(message)
    if text is not None and len(items) == 1:
        body["input"] = text
    elif items or "prompt" not in body:
        body["input"] = items


def _with_short_ids(message: Message) -> list[Any]:
    return [replace(part, id=_short_id(part.id)) if isinstance(part, ToolCall) else part for part in message.parts]


def _short_id(call_id: str) -> str:
    """An id of no more than OpenAI takes; another one is always replaced by the same."""
    if len(call_id) <= _LONGEST_CALL_ID:
        return call_id
    return f"call_{hashlib.sha256(call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def _write_single(message: Message) -> list[dict[str, Any]]:
    """A message of the system, the developer, the user or a tool, of no item.

    Raises InvalidRequest for what a client of another dialect shows, and Responses has no part for.
    """
    results = [_write_result(message, part) for part in message.parts if isinstance(part, ToolResult)]
    if message.source is not None:
        for part in message.parts:
            if isinstance(part, Media) and write_media(part) is None:
                refuse_media(part)
    role = "user" if message.role == "tool" else message.role
    content = write_parts(message.parts)
    if len(content) == 1 and content[0]["type"] == "input_text":
        return [*results, {"type": "message", "role": role, "content": content[0]["text"]}]
    return [*results, {"type": "message", "role": role, "content": content}] if content else results


def _write_result(message: Message, result: ToolResult) -> dict[str, Any]:
    """A tool's result. There is no field that says that it is an error, and a client's own tool need not."""
    content = write_parts(result.content)
    mark = "Error: " if result.is_error and message.source is not None else ""
    output: Any = [{"type": "input_text", "text": mark}, *content] if mark else content
    if all(part["type"] == "input_text" for part in content):
        output = mark + "\n".join(part["text"] for part in content)
    return {"type": "function_call_output", "call_id": _short_id(result.call_id), "output": output}
