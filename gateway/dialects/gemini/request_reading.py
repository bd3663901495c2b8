"""A client's request, from the parsed body, with the `model` and the `stream` that its URL says.

Checked is what the gateway relies on; all other fields stay in `extras` as they came. Results of tools that do not
say which call they answer answer the earliest call of their name that is still open, as Google reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from gateway.conversation import Message, ModelRequest, Part, ResponseSchema, Source, Text, ToolResult
from gateway.dialects.gemini.fields import as_list, camel, field
from gateway.dialects.gemini.name import NAME, call_id_at
from gateway.dialects.gemini.native_fields import native_fields
from gateway.dialects.gemini.parts import parts_of, read_answer, read_said_by_user
from gateway.dialects.gemini.schemas import from_openapi
from gateway.dialects.gemini.tools import read_tool_choice, read_tools
from gateway.dialects.json_values import number_or_none, object_or_none, text_or_empty
from gateway.dialects.request_fields import refuse_field

_ELSEWHERE = frozenset({"model", "stream", "contents", "systemInstruction", "tools", "toolgate"})
_ROLES = frozenset({"user", "model", "function"})  # the last is what results of tools had before
_EFFORTS = ((0, "none"), (1024, "low"), (8192, "medium"))
"""Tokens of a budget for thinking, up to which it is taken for this effort."""


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("model", "must be named in the URL: /v1beta/models/{model}:generateContent")
    extras = {name: value for name, value in body.items() if camel(name) not in _ELSEWHERE}
    tools = read_tools(body.get("tools"))
    config = _read_config(extras)
    schema = _read_schema(config)
    return ModelRequest(
        model=model,
        messages=(*_read_system(field(body, "systemInstruction")), *_read_contents(body.get("contents"))),
        dialect=NAME,
        tools=tools,
        tool_choice=read_tool_choice(field(extras, "toolConfig")),
        max_tokens=read_count(config, "maxOutputTokens"),
        n=read_count(config, "candidateCount") or 1,
        stream=body.get("stream") is True,
        include_usage=True,
        structured_output=schema is not None or _wants_json(config),
        response_schema=schema,
        temperature=number_or_none(config.get("temperature")),
        top_p=number_or_none(field(config, "topP")),
        top_k=number_or_none(field(config, "topK")) or None,
        seed=number_or_none(config.get("seed")),
        frequency_penalty=number_or_none(field(config, "frequencyPenalty")) or None,
        presence_penalty=number_or_none(field(config, "presencePenalty")) or None,
        stop=tuple(text for text in as_list(field(config, "stopSequences")) if isinstance(text, str)),
        effort=_read_effort(config),
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _read_config(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    value = field(fields, "generationConfig")
    config = object_or_none(value)
    if value is not None and config is None:
        refuse_field("generationConfig", "must be an object")
    return config or {}


def read_count(config: Mapping[str, Any], name: str) -> int | None:
    """A whole number in a `generationConfig`; none when it is not above 0. Raises InvalidRequest."""
    value = field(config, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        refuse_field(f"generationConfig.{name}", "must be a whole number")
    return value if value > 0 else None


def _wants_json(config: Mapping[str, Any]) -> bool:
    return text_or_empty(field(config, "responseMimeType")) not in ("", "text/plain")


def _read_schema(config: Mapping[str, Any]) -> ResponseSchema | None:
    schema = object_or_none(field(config, "responseJsonSchema"))
    if schema is None:
        own = object_or_none(field(config, "responseSchema"))
        schema = None if own is None else from_openapi(own)
    return None if schema is None else ResponseSchema(schema)


def _read_effort(config: Mapping[str, Any]) -> str | None:
    thinking = object_or_none(field(config, "thinkingConfig")) or {}
    level = text_or_empty(field(thinking, "thinkingLevel")).lower()
    if level:
        return None if level.endswith("unspecified") else level
    budget = number_or_none(field(thinking, "thinkingBudget"))
    if budget is None or budget < 0:  # below 0, the model decides
        return None
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")


def _read_system(value: Any) -> Iterator[Message]:
    if value is None:
        return
    if isinstance(value, str):
        yield Message("system", (Text(value),), source=Source(NAME, {"systemInstruction": value}))
        return
    raw = object_or_none(value)
    if raw is None:
        refuse_field("systemInstruction", "must be an object with parts")
    _check_parts(raw, "systemInstruction")
    parts = tuple(read_said_by_user(part) for part in parts_of(raw))
    yield Message("system", parts, source=Source(NAME, {"systemInstruction": raw}))


def _read_contents(value: Any) -> Iterator[Message]:
    contents = as_list(value)
    if not contents:
        refuse_field("contents", "must be a list of at least one content")
    open_calls: list[tuple[str, str]] = []
    for index, entry in enumerate(contents):
        raw, where = object_or_none(entry), f"contents[{index}]"
        if raw is None:
            refuse_field(where, "must be an object")
        role = raw.get("role") or "user"
        if not isinstance(role, str) or role not in _ROLES:
            refuse_field(f"{where}.role", "must be user or model")
        _check_parts(raw, where)
        if role == "model":
            message = _read_answer(raw, index)
            open_calls = [(call.id, call.name) for call in message.tool_calls]
        else:
            message = _read_said(raw, index, open_calls)
        yield message


def _read_answer(raw: Mapping[str, Any], index: int) -> Message:
    numbers = count()
    parts = read_answer(parts_of(raw), lambda: call_id_at(f"{index}/{next(numbers)}"))
    return Message("assistant", parts, source=Source(NAME, raw))


def _read_said(raw: Mapping[str, Any], index: int, open_calls: list[tuple[str, str]]) -> Message:
    parts: list[Part] = []
    for number, part in enumerate(parts_of(raw)):
        result = object_or_none(field(part, "functionResponse"))
        call_id = "" if result is None else _answered(result, open_calls) or call_id_at(f"{index}/{number}")
        parts.append(read_said_by_user(part, call_id))
    only_results = bool(parts) and all(isinstance(part, ToolResult) for part in parts)
    return Message("tool" if only_results else "user", tuple(parts), source=Source(NAME, raw))


def _answered(result: Mapping[str, Any], open_calls: list[tuple[str, str]]) -> str:
    """The id of the call that a result answers, which is open no more; empty where there is none."""
    call_id, name = result.get("id"), result.get("name")
    for call in open_calls:
        if call_id == call[0] or (not call_id and name == call[1]):
            open_calls.remove(call)
            return call[0]
    return ""


def _check_parts(raw: Mapping[str, Any], where: str) -> None:
    parts = raw.get("parts")
    if parts is not None and not isinstance(parts, list | dict):
        refuse_field(f"{where}.parts", "must be a list of parts")
    for index, value in enumerate(as_list(parts)):
        part = object_or_none(value)
        if part is None:
            refuse_field(f"{where}.parts[{index}]", "must be an object")
        if part.get("text") is not None and not isinstance(part["text"], str):
            refuse_field(f"{where}.parts[{index}].text", "must be a string")
        for name in ("functionCall", "functionResponse"):
            inner = field(part, name)
            if inner is not None and not isinstance((object_or_none(inner) or {}).get("name"), str):
                refuse_field(f"{where}.parts[{index}].{name}.name", "must be a string")
