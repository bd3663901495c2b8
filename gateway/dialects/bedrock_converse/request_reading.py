"""A client's request, from the parsed body and what the URL says.

Checked is what the gateway relies on; all other fields stay in `extras` as they came. The system prompt becomes
the first message. A message of the user's may hold results of tools besides what the user says, and stays one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.conversation import Message, ModelRequest, ResponseSchema, Role, Source
from gateway.dialects.bedrock_converse.blocks import read_content
from gateway.dialects.bedrock_converse.name import NAME
from gateway.dialects.bedrock_converse.native_fields import BESIDE, native_fields
from gateway.dialects.bedrock_converse.tools import read_tool_choice, read_tools
from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty
from gateway.dialects.request_fields import read_messages, refuse_field

_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_ELSEWHERE = frozenset({"model", "modelId", "stream", "messages", "system", "toolgate"})
_OBJECTS = ("inferenceConfig", "toolConfig", "outputConfig")
_EFFORTS = ((4096, "low"), (16384, "medium"))
"""Tokens of a budget for thinking, up to which it is taken for this effort."""


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("modelId", "must name a model")
    extras = {name: value for name, value in body.items() if name not in _ELSEWHERE}
    for name in _OBJECTS:
        if extras.get(name) is not None and object_or_none(extras[name]) is None:
            refuse_field(name, "must be an object")
    tool_config = object_or_none(extras.get("toolConfig")) or {}
    inference = object_or_none(extras.get("inferenceConfig")) or {}
    schema = _read_schema(object_or_none(extras.get("outputConfig")) or {})
    beside = object_or_none(extras.get(BESIDE)) or {}
    top_k = beside.get("top_k")
    return ModelRequest(
        model=model,
        messages=(*_read_system(body), *read_messages(body.get("messages"), _read_message)),
        dialect=NAME,
        tools=read_tools(tool_config),
        tool_choice=read_tool_choice(tool_config),
        max_tokens=_read_max_tokens(inference.get("maxTokens")),
        stream=body.get("stream") is True,
        include_usage=True,
        structured_output=schema is not None,
        response_schema=schema,
        temperature=number_or_none(inference.get("temperature")),
        top_p=number_or_none(inference.get("topP")),
        top_k=number_or_none(beside.get("topK") if top_k is None else top_k),
        stop=tuple(text for text in list_or_empty(inference.get("stopSequences")) if isinstance(text, str)),
        effort=_read_effort(extras, beside),
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _read_max_tokens(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        refuse_field("inferenceConfig.maxTokens", "must be a whole number above 0")
    return value


def _read_schema(config: Mapping[str, Any]) -> ResponseSchema | None:
    """The form of the answer. The schema is JSON within a string."""
    form = object_or_none((object_or_none(config.get("textFormat")) or {}).get("structure")) or {}
    described = object_or_none(form.get("jsonSchema"))
    if described is None:
        return None
    try:
        schema = object_or_none(orjson.loads(text_or_empty(described.get("schema"))))
    except orjson.JSONDecodeError:
        schema = None
    if schema is None:
        refuse_field(
            "outputConfig.textFormat.structure.jsonSchema.schema", "must be a string with a JSON Schema in it"
        )
    return ResponseSchema(schema, text_or_empty(described.get("name")) or "answer", strict=True)


def _read_effort(fields: Mapping[str, Any], beside: Mapping[str, Any]) -> str | None:
    effort = (object_or_none(fields.get("outputConfig")) or {}).get("effort")
    if isinstance(effort, str) and effort:
        return effort
    thinking = object_or_none(beside.get("thinking") or beside.get("reasoning_config")) or {}
    if thinking.get("type") == "disabled":
        return "none"
    budget = number_or_none(thinking.get("budget_tokens"))
    if thinking.get("type") != "enabled" or budget is None:
        return None
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")


def _read_system(body: Mapping[str, Any]) -> tuple[Message, ...]:
    value = body.get("system")
    if value is None:
        return ()
    _check_content(value, "system")
    return (Message("system", read_content(value), source=Source(NAME, {"system": value})),) if value else ()


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
    """Blocks of more than one kind could be read in two ways."""
    if not isinstance(content, list):
        refuse_field(where, "must be a list of blocks")
    for index, value in enumerate(list_or_empty(content)):
        block = object_or_none(value)
        if block is None or len(block) != 1:
            refuse_field(f"{where}[{index}]", "must be an object with one field, which is its kind")
        if "text" in block and not isinstance(block["text"], str):
            refuse_field(f"{where}[{index}].text", "must be a string")
        for kind in ("toolUse", "toolResult"):
            if kind in block and not isinstance((object_or_none(block[kind]) or {}).get("toolUseId"), str):
                refuse_field(f"{where}[{index}].{kind}.toolUseId", "must be a string")
