"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for `model`, for what has been
changed since, and for `stream_options.include_usage`: the gateway always wants to know the usage of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.conversation import Media, Message, ModelRequest, Reasoning, ResponseSchema
from gateway.dialects.crossing import ALLOWED_TOOLS, check_crossing, refuse_media
from gateway.dialects.json_values import object_or_none
from gateway.dialects.openai_chat.content import write_media, write_parts
from gateway.dialects.openai_chat.messages import write_assistant
from gateway.dialects.openai_chat.name import NAME, is_own, own_object
from gateway.dialects.openai_chat.request_reading import read_max_tokens
from gateway.dialects.openai_chat.tool_results import ToolResultWriter
from gateway.dialects.openai_chat.tools import write_tool_choice, write_tools

_SETTINGS = ("seed", "frequency_penalty", "presence_penalty")
"""Those of the vocabulary that Chat has."""


def write_request(request: ModelRequest, *, model: str, shows_images: bool) -> dict[str, Any]:
    """The body, whose values are shared with `request`; see `ToolResultWriter` for `shows_images`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=(*_SETTINGS, ALLOWED_TOOLS))
    body: dict[str, Any] = {
        "model": model,
        "messages": write_messages(request.messages, shows_images=shows_images),
    }
    body |= request.extras if request.dialect == NAME else _carried_over(request)
    if request.tools:
        body["tools"] = write_tools(request.tools)
    _write_choice(body, request)
    if read_max_tokens(body) != request.max_tokens:
        _write_max_tokens(body, request.max_tokens)
    if (body.get("n") or 1) != request.n:
        body["n"] = request.n
    if request.structured_output and body.get("response_format") is None:
        body["response_format"] = {"type": "json_object"}
    _write_stream(body, request)
    return body


def _carried_over(request: ModelRequest) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    carried: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        **{name: getattr(request, name) for name in _SETTINGS},
        "stop": list(request.stop) or None,
        "reasoning_effort": request.effort,
        "user": request.user,
        "response_format": _response_format(request.response_schema),
        "parallel_tool_calls": request.parallel_calls if request.tools else None,
    }
    return {name: value for name, value in carried.items() if value is not None}


def _response_format(schema: ResponseSchema | None) -> dict[str, Any] | None:
    if schema is None:
        return None
    described: dict[str, Any] = {"name": schema.name, "schema": schema.schema}
    if schema.strict is not None:
        described["strict"] = schema.strict
    return {"type": "json_schema", "json_schema": described}


def _write_choice(body: dict[str, Any], request: ModelRequest) -> None:
    choice = request.tool_choice
    if choice is None:
        return
    body.pop("tool_choice", None)
    written = write_tool_choice(choice)
    if written is not None and (request.tools or is_own(choice.source)):
        body["tool_choice"] = written


def _write_max_tokens(body: dict[str, Any], limit: int | None) -> None:
    name = "max_tokens" if body.get("max_tokens") is not None else "max_completion_tokens"
    body.pop("max_tokens", None)
    body.pop("max_completion_tokens", None)
    if limit is not None:
        body[name] = limit


def _write_stream(body: dict[str, Any], request: ModelRequest) -> None:
    if bool(body.get("stream")) != request.stream:
        body["stream"] = request.stream
        body.pop("stream_options", None)
    if request.stream:
        body["stream_options"] = {**(object_or_none(body.get("stream_options")) or {}), "include_usage": True}


def write_messages(messages: Sequence[Message], *, shows_images: bool) -> list[Any]:
    """The messages; those that came in this dialect are the very objects that came."""
    written: list[Any] = []
    results = ToolResultWriter(shows_images=shows_images)
    for message in messages:
        if message.role != "tool":
            written += results.images()
        if raw := own_object(message.source):
            written.append(raw)
        elif message.role == "assistant":
            written.append(_for_replay(write_assistant(_without_proofs(message))))
        else:
            written += results.write(message)
            if message.role != "tool":
                written += _write_plain(message)
    return written + results.images()


def _without_proofs(message: Message) -> Message:
    """Without thoughts that are another provider's to check."""
    kept = tuple(part for part in message.parts if not isinstance(part, Reasoning) or part.signature is None)
    return message if len(kept) == len(message.parts) else replace(message, parts=kept)


def _for_replay(message: dict[str, Any]) -> dict[str, Any]:
    """An answer as providers take it back: of a sound the id alone, and no arguments that are not even JSON."""
    audio = object_or_none(message.get("audio"))
    if audio is not None:
        message["audio"] = {"id": audio.get("id")}
    for call in message.get("tool_calls", ()):
        if "function" in call and not call["function"]["arguments"]:
            call["function"]["arguments"] = "{}"
    return message


def _write_plain(message: Message) -> list[dict[str, Any]]:
    """A message of the system, the developer or the user.

    Raises InvalidRequest for what a client of another dialect shows, and Chat has no part for.
    """
    if message.source is not None:
        for part in message.parts:
            if isinstance(part, Media) and write_media(part) is None:
                refuse_media(part)
    content = write_parts(message.parts)
    if not content:
        return []
    texts = [part["text"] for part in content if part["type"] == "text"]
    if len(texts) == len(content) and (len(texts) == 1 or message.role != "user"):
        written: dict[str, Any] = {"role": message.role, "content": "\n\n".join(texts)}
    else:
        written = {"role": message.role, "content": content}
    return [written if message.name is None else {**written, "name": message.name}]
