"""A client's request, from the parsed body.

Checked is what the gateway relies on. All other fields stay in `extras` as they came, and so do the fields that
can be written in several ways (`max_tokens`, `stream_options`, `response_format`, ...): what the vocabulary says
of those is read from them, and `request_writing` changes them only where it has come to say something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Media,
    Message,
    ModelRequest,
    Part,
    ResponseSchema,
    Role,
    Source,
    Text,
    ToolResult,
)
from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty
from gateway.dialects.openai_chat.content import read_content
from gateway.dialects.openai_chat.messages import read_assistant_parts
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.native_fields import native_fields
from gateway.dialects.openai_chat.tools import read_tool, read_tool_choice
from gateway.dialects.request_fields import read_flag, read_messages, read_stop, read_tools, refuse_field
from gateway.dialects.splice import is_shadow_of_model

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",  # the older form of a tool's result, which names no call
}
_ELSEWHERE = frozenset({"model", "messages", "tools", "tool_choice", "toolgate"})


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("model", "must be a string that names a model")
    extras = {name: value for name, value in body.items() if _is_extra(name)}
    tools = read_tools(body.get("tools"), read_tool)
    if not tools and "tools" in body:
        extras["tools"] = body["tools"]
    choice = read_tool_choice(body.get("tool_choice"))
    if choice is None and "tool_choice" in body:
        extras["tool_choice"] = body["tool_choice"]
    return ModelRequest(
        model=model,
        messages=read_messages(body.get("messages"), _read_message),
        dialect=NAME,
        tools=tools,
        tool_choice=choice,
        max_tokens=read_max_tokens(extras),
        n=_read_n(extras.get("n")),
        stream=read_flag(extras.get("stream"), "stream"),
        include_usage=_read_include_usage(extras.get("stream_options")),
        structured_output=_read_structured_output(extras.get("response_format")),
        response_schema=_read_schema(extras.get("response_format")),
        temperature=number_or_none(extras.get("temperature")),
        top_p=number_or_none(extras.get("top_p")),
        top_k=number_or_none(extras.get("top_k")),
        seed=number_or_none(extras.get("seed")),
        frequency_penalty=number_or_none(extras.get("frequency_penalty")) or None,
        presence_penalty=number_or_none(extras.get("presence_penalty")) or None,
        stop=read_stop(extras.get("stop")),
        effort=text_or_empty(extras.get("reasoning_effort")) or None,
        parallel_calls=_read_parallel(extras.get("parallel_tool_calls")),
        user=text_or_empty(extras.get("user")) or None,
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _is_extra(name: str) -> bool:
    return name not in _ELSEWHERE and not is_shadow_of_model(name)


def read_max_tokens(fields: Mapping[str, Any]) -> int | None:
    """The limit of one model call, under either name; none when it is not above 0. Raises InvalidRequest."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            refuse_field(name, "must be a whole number")
        if value > 0:
            return value
    return None


def _read_n(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse_field("n", "must be a whole number above 0")
    return value


def _read_include_usage(options: Any) -> bool:
    if options is None:
        return False
    fields = object_or_none(options)
    if fields is None:
        refuse_field("stream_options", "must be an object")
    return read_flag(fields.get("include_usage"), "stream_options.include_usage")


def _read_structured_output(form: Any) -> bool:
    if form is None:
        return False
    fields = object_or_none(form)
    if fields is None or not isinstance(fields.get("type"), str):
        refuse_field("response_format", "must be an object with a type")
    return fields["type"] != "text"


def _read_schema(form: Any) -> ResponseSchema | None:
    described = object_or_none((object_or_none(form) or {}).get("json_schema"))
    schema = None if described is None else object_or_none(described.get("schema"))
    if described is None or schema is None:
        return None
    strict = described.get("strict")
    name = text_or_empty(described.get("name")) or "answer"
    return ResponseSchema(schema, name, strict if isinstance(strict, bool) else None)


def _read_parallel(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_message(value: Any, where: str) -> Message:
    raw = object_or_none(value)
    if raw is None:
        refuse_field(where, "must be an object")
    role = _ROLES.get(raw["role"]) if isinstance(raw.get("role"), str) else None
    if role is None:
        refuse_field(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    _check_content(raw.get("content"), f"{where}.content")
    name = raw.get("name")
    if name is not None and not isinstance(name, str):
        refuse_field(f"{where}.name", "must be a string")
    return Message(role, _read_parts(role, raw, where), name, Source(NAME, raw))


def _read_parts(role: Role, raw: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    if role == "assistant":
        _check_calls(raw.get("tool_calls"), f"{where}.tool_calls")
        return read_assistant_parts(raw)
    parts = read_content(raw.get("content"))
    if role != "tool":
        return tuple(parts)
    call_id = raw.get("tool_call_id")
    if raw["role"] == "tool" and not isinstance(call_id, str):
        refuse_field(f"{where}.tool_call_id", "must be the id of the call that this answers")
    return (ToolResult(text_or_empty(call_id), tuple(part for part in parts if isinstance(part, Text | Media))),)


def _check_content(content: Any, where: str) -> None:
    if content is None or isinstance(content, str):
        return
    if not isinstance(content, list):
        refuse_field(where, "must be a string, a list of parts, or null")
    for index, part in enumerate(list_or_empty(content)):
        fields = object_or_none(part)
        if fields is None or not isinstance(fields.get("type"), str):
            refuse_field(f"{where}[{index}]", "must be an object with a type")
        if fields["type"] == "text" and not isinstance(fields.get("text"), str):
            refuse_field(f"{where}[{index}].text", "must be a string")


def _check_calls(calls: Any, where: str) -> None:
    if calls is None:
        return
    if not isinstance(calls, list):
        refuse_field(where, "must be a list of tool calls")
    for index, call in enumerate(list_or_empty(calls)):
        fields = object_or_none(call)
        if fields is None or not isinstance(fields.get("id"), str):
            refuse_field(f"{where}[{index}]", "must be an object with the id of the call")
