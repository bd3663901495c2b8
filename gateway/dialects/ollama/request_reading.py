"""A client's request, from the parsed body.

Checked is what the gateway relies on; all other fields stay in `extras` as they came. A stream is what a client
gets that does not say. Calls without ids are given some, made of their place and of what they say, so that they
are the same in the next turn's history.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import Message, ModelRequest, ResponseSchema, Role, Source, Text, ToolResult
from gateway.dialects.json_values import list_or_empty, number_or_none, object_or_none, text_or_empty
from gateway.dialects.ollama.call_ids import OpenCalls
from gateway.dialects.ollama.images import read_images
from gateway.dialects.ollama.messages import read_parts
from gateway.dialects.ollama.name import NAME
from gateway.dialects.ollama.native_fields import native_fields
from gateway.dialects.ollama.tools import read_tool
from gateway.dialects.request_fields import read_stop, read_tools, refuse_field
from gateway.dialects.splice import is_shadow_of_model

_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_ELSEWHERE = frozenset({"model", "messages", "tools", "toolgate"})
_THINKS = "medium"
"""The effort of a model that is told to think, and not how hard."""


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("model", "must be a string that names a model")
    extras = {name: value for name, value in body.items() if _is_extra(name)}
    tools = read_tools(body.get("tools"), read_tool)
    if not tools and "tools" in body:
        extras["tools"] = body["tools"]
    options = _read_options(extras.get("options"))
    schema = _read_schema(extras.get("format"))
    return ModelRequest(
        model=model,
        messages=_read_messages(body.get("messages")),
        dialect=NAME,
        tools=tools,
        max_tokens=read_max_tokens(options),
        stream=read_stream(extras.get("stream")),
        include_usage=True,
        structured_output=schema is not None or extras.get("format") == "json",
        response_schema=schema,
        temperature=number_or_none(options.get("temperature")),
        top_p=number_or_none(options.get("top_p")),
        top_k=number_or_none(options.get("top_k")),
        seed=number_or_none(options.get("seed")),
        frequency_penalty=number_or_none(options.get("frequency_penalty")) or None,
        presence_penalty=number_or_none(options.get("presence_penalty")) or None,
        stop=read_stop(options.get("stop")),
        effort=_read_effort(extras.get("think")),
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _is_extra(name: str) -> bool:
    return name not in _ELSEWHERE and not is_shadow_of_model(name)


def _read_options(value: Any) -> Mapping[str, Any]:
    options = object_or_none(value)
    if value is not None and options is None:
        refuse_field("options", "must be an object")
    return options or {}


def read_max_tokens(options: Mapping[str, Any]) -> int | None:
    """The limit of one model call; none when it is not above 0. Raises InvalidRequest."""
    value = options.get("num_predict")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        refuse_field("options.num_predict", "must be a whole number")
    return value if value > 0 else None


def read_stream(value: Any) -> bool:
    """Whether an answer is to be streamed. Raises InvalidRequest."""
    if value is not None and not isinstance(value, bool):
        refuse_field("stream", "must be true or false")
    return value is not False


def _read_schema(form: Any) -> ResponseSchema | None:
    """The form of an answer; `json` is any JSON."""
    if form in (None, "", "json"):
        return None
    schema = object_or_none(form)
    if schema is None:
        refuse_field("format", 'must be "json" or a JSON Schema')
    return ResponseSchema(schema)


def _read_effort(think: Any) -> str | None:
    if isinstance(think, bool):
        return _THINKS if think else "none"
    return text_or_empty(think) or None


def _read_messages(value: Any) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        refuse_field("messages", "must be a list of at least one message")
    open_calls = OpenCalls()
    return tuple(
        _read_message(raw, index, f"messages[{index}]", open_calls)
        for index, raw in enumerate(list_or_empty(value))
    )


def _read_message(value: Any, place: int, where: str, open_calls: OpenCalls) -> Message:
    raw = object_or_none(value)
    if raw is None:
        refuse_field(where, "must be an object")
    role = _ROLES.get(text_or_empty(raw.get("role")))
    if role is None:
        refuse_field(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    if not isinstance(raw.get("content", ""), str | None):
        refuse_field(f"{where}.content", "must be a string")
    source = Source(NAME, raw)
    if role == "tool":
        return Message(role, (_read_result(raw, open_calls),), source=source)
    message = Message(role, read_parts(raw, str(place)), source=source)
    if role == "assistant":
        open_calls.begin(message.tool_calls)
        return message
    kept = tuple(part for part in message.parts if part not in message.tool_calls)
    return replace(message, parts=kept)


def _read_result(raw: Mapping[str, Any], open_calls: OpenCalls) -> ToolResult:
    name = text_or_empty(raw.get("tool_name")) or text_or_empty(raw.get("name"))
    call_id = open_calls.answer(text_or_empty(raw.get("tool_call_id")), name)
    text = text_or_empty(raw.get("content"))
    return ToolResult(call_id, (*((Text(text),) if text else ()), *read_images(raw.get("images"))))
