"""A client's request, from the parsed body.

Checked is what the gateway relies on; all other fields stay in `extras` as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Media, Message, ModelRequest, Part, ResponseSchema, Role, Source, Text, ToolResult
from gateway.dialects.cohere_v2.content import read_content
from gateway.dialects.cohere_v2.messages import read_assistant
from gateway.dialects.cohere_v2.name import NAME
from gateway.dialects.cohere_v2.native_fields import native_fields
from gateway.dialects.cohere_v2.tools import read_tool_choice, read_tools
from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty
from gateway.dialects.request_fields import read_flag, read_messages, refuse_field
from gateway.dialects.splice import is_shadow_of_model

_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_ELSEWHERE = frozenset({"model", "messages", "tools", "tool_choice", "strict_tools", "toolgate"})
EFFORTS = ((4096, "low"), (16384, "medium"))
"""Tokens of a budget for thinking, up to which it is taken for this effort."""


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("model", "must be a string that names a model")
    extras = {name: value for name, value in body.items() if _is_extra(name)}
    strict = read_flag(body.get("strict_tools"), "strict_tools")
    tools = read_tools(body.get("tools"), strict=strict)
    form = _read_form(extras.get("response_format"))
    schema = object_or_none(form.get("json_schema") or form.get("schema"))
    return ModelRequest(
        model=model,
        messages=read_messages(body.get("messages"), _read_message),
        dialect=NAME,
        tools=tools,
        tool_choice=read_tool_choice(body.get("tool_choice")),
        max_tokens=read_max_tokens(extras.get("max_tokens")),
        stream=read_flag(extras.get("stream"), "stream"),
        include_usage=True,
        structured_output=form.get("type", "text") != "text",
        response_schema=None if schema is None else ResponseSchema(schema),
        temperature=number_or_none(extras.get("temperature")),
        top_p=number_or_none(extras.get("p")),
        top_k=number_or_none(extras.get("k")) or None,
        seed=number_or_none(extras.get("seed")),
        frequency_penalty=number_or_none(extras.get("frequency_penalty")) or None,
        presence_penalty=number_or_none(extras.get("presence_penalty")) or None,
        stop=tuple(text for text in list_or_empty(extras.get("stop_sequences")) if isinstance(text, str)),
        effort=_read_effort(extras.get("thinking")),
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _is_extra(name: str) -> bool:
    return name not in _ELSEWHERE and not is_shadow_of_model(name)


def read_max_tokens(value: Any) -> int | None:
    """The limit of one model call; none when it is not above 0. Raises InvalidRequest."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        refuse_field("max_tokens", "must be a whole number")
    return value if value > 0 else None


def _read_form(value: Any) -> Mapping[str, Any]:
    form = object_or_none(value)
    if value is not None and (form is None or not isinstance(form.get("type"), str)):
        refuse_field("response_format", "must be an object with a type")
    return form or {}


def _read_effort(value: Any) -> str | None:
    thinking = object_or_none(value) or {}
    if thinking.get("type") == "disabled":
        return "none"
    budget = number_or_none(thinking.get("token_budget"))
    if budget is None:
        return "medium" if thinking.get("type") == "enabled" else None
    return next((effort for most, effort in EFFORTS if budget <= most), "high")


def _read_message(value: Any, where: str) -> Message:
    raw = object_or_none(value)
    if raw is None:
        refuse_field(where, "must be an object")
    role = _ROLES.get(text_or_empty(raw.get("role")))
    if role is None:
        refuse_field(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    if not isinstance(raw.get("content"), str | list | None):
        refuse_field(f"{where}.content", "must be a string or a list of parts")
    return Message(role, _read_parts(role, raw, where), source=Source(NAME, raw))


def _read_parts(role: Role, raw: Mapping[str, Any], where: str) -> tuple[Part, ...]:
    if role == "assistant":
        return read_assistant(raw)
    parts = read_content(raw.get("content"))
    if role != "tool":
        return tuple(parts)
    call_id = raw.get("tool_call_id")
    if not isinstance(call_id, str):
        refuse_field(f"{where}.tool_call_id", "must be the id of the call that this answers")
    return (ToolResult(call_id, tuple(part for part in parts if isinstance(part, Text | Media))),)
