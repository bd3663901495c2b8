"""A client's request, from the parsed body.

Checked is what the gateway relies on; all other fields stay in `extras` as they came. The system prompt becomes
the first message. A message of the user's may hold results of tools besides what the user says, and stays one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Message, ModelRequest, Part, ResponseSchema, Role, Source, Text
from gateway.dialects.anthropic_messages.blocks import read_content
from gateway.dialects.anthropic_messages.name import NAME
from gateway.dialects.anthropic_messages.native_fields import native_fields
from gateway.dialects.anthropic_messages.tools import forbids_parallel_calls, read_tool, read_tool_choice
from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty
from gateway.dialects.request_fields import read_flag, read_messages, read_tools, refuse_field
from gateway.dialects.splice import is_shadow_of_model

_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_ELSEWHERE = frozenset({"model", "messages", "system", "tools", "tool_choice", "toolgate"})
_BILLING = "x-anthropic-billing-header:"
"""With this begins a part of some clients' system prompts that is for Anthropic's books, and for no model."""
_EFFORTS = ((4096, "low"), (16384, "medium"))
"""Tokens of a budget for thinking, up to which it is taken for this effort."""


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
    schema = _read_schema(extras)
    return ModelRequest(
        model=model,
        messages=(*_read_system(body), *read_messages(body.get("messages"), _read_message)),
        dialect=NAME,
        tools=tools,
        tool_choice=choice,
        max_tokens=_read_max_tokens(extras.get("max_tokens")),
        stream=read_flag(extras.get("stream"), "stream"),
        include_usage=True,
        structured_output=schema is not None,
        response_schema=schema,
        temperature=number_or_none(extras.get("temperature")),
        top_p=number_or_none(extras.get("top_p")),
        top_k=number_or_none(extras.get("top_k")),
        stop=tuple(text for text in list_or_empty(extras.get("stop_sequences")) if isinstance(text, str)),
        effort=_read_effort(extras),
        parallel_calls=False if forbids_parallel_calls(body.get("tool_choice")) else None,
        user=text_or_empty((object_or_none(extras.get("metadata")) or {}).get("user_id")) or None,
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _is_extra(name: str) -> bool:
    return name not in _ELSEWHERE and not is_shadow_of_model(name)


def _read_max_tokens(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse_field("max_tokens", "must be a whole number above 0")
    return value


def _read_schema(fields: Mapping[str, Any]) -> ResponseSchema | None:
    """The form of the answer; also where it stood before there was `output_config`."""
    config = fields.get("output_config")
    if config is not None and object_or_none(config) is None:
        refuse_field("output_config", "must be an object")
    form = object_or_none((object_or_none(config) or {}).get("format") or fields.get("output_format"))
    schema = object_or_none((form or {}).get("schema"))
    return None if schema is None else ResponseSchema(schema, strict=True)


def _read_effort(fields: Mapping[str, Any]) -> str | None:
    effort = (object_or_none(fields.get("output_config")) or {}).get("effort")
    if isinstance(effort, str):
        return effort
    thinking = object_or_none(fields.get("thinking")) or {}
    budget = number_or_none(thinking.get("budget_tokens"))
    if thinking.get("type") != "enabled" or budget is None:
        return None
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")


def _read_system(body: Mapping[str, Any]) -> tuple[Message, ...]:
    value = body.get("system")
    if value is None:
        return ()
    _check_content(value, "system")
    parts = tuple(part for part in read_content(value) if not _is_billing(part))
    return (Message("system", parts, source=Source(NAME, {"system": value})),)


def _is_billing(part: Part) -> bool:
    return isinstance(part, Text) and part.text.startswith(_BILLING)


def _read_message(value: Any, where: str) -> Message:
    raw = object_or_none(value)
    if raw is None:
        refuse_field(where, "must be an object")
    role = _ROLES.get(text_or_empty(raw.get("role")))
    if role is None:
        refuse_field(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    _check_content(raw.get("content"), f"{where}.content")
    return Message(role, read_content(raw["content"]), source=Source(NAME, raw))


def _check_content(content: Any, where: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        refuse_field(where, "must be a string or a list of blocks")
    for index, value in enumerate(list_or_empty(content)):
        block = object_or_none(value)
        if block is None or not isinstance(block.get("type"), str):
            refuse_field(f"{where}[{index}]", "must be an object with a type")
        for kind, name in (("text", "text"), ("tool_use", "id"), ("tool_result", "tool_use_id")):
            if block["type"] == kind and not isinstance(block.get(name), str):
                refuse_field(f"{where}[{index}].{name}", "must be a string")
