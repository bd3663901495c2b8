"""A client's request, from the parsed body.

Checked is what the gateway relies on; all other fields stay in `extras` as they came, and so do all items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message, ModelRequest, ResponseSchema, Source, Text, ToolDefinition
from gateway.dialects.json_values import (
    can_be_written,
    list_or_empty,
    number_or_none,
    object_or_none,
    text_or_empty,
)
from gateway.dialects.openai_responses.items import read_messages, role_in
from gateway.dialects.openai_responses.name import NAME
from gateway.dialects.openai_responses.native_fields import native_fields
from gateway.dialects.openai_responses.tools import BRINGS_TOOLS, read_tool_choice, read_tools
from gateway.dialects.request_fields import read_flag, refuse_field
from gateway.dialects.splice import is_shadow_of_model
from gateway.errors import InvalidRequest

_ELSEWHERE = frozenset({"model", "input", "instructions", "tools", "tool_choice", "toolgate"})
_KEPT_ELSEWHERE = ("previous_response_id", "conversation")
"""What is put in full before a request is read; see `stored_items`."""
_WHOLE = "send the whole conversation as input, with store: false"
_TEXTS = frozenset({"input_text", "output_text"})


def read_request(body: Mapping[str, Any]) -> ModelRequest:
    """The request. Raises InvalidRequest."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        refuse_field("model", "must be a string that names a model")
    extras = {name: value for name, value in body.items() if _is_extra(name)}
    _check_possible(extras)
    if not can_be_written([extras, body.get("tools")]):  # the answer is to repeat them
        raise InvalidRequest("the request is nested too deeply", code="invalid_json")
    items = _read_input(body)
    tools = [*read_tools(body.get("tools")), *_tools_in(items)]
    if not tools and "tools" in body:
        extras["tools"] = body["tools"]
    updates = [item for item in items if item.get("type") == "configuration_update"]
    schema, is_structured = _read_form([extras, *updates])
    return ModelRequest(
        model=model,
        messages=(*_read_instructions(body), *_read_said(body, items)),
        dialect=NAME,
        tools=tuple(tools),
        tool_choice=read_tool_choice(body.get("tool_choice")),
        max_tokens=_read_most_tokens(extras.get("max_output_tokens")),
        stream=read_flag(extras.get("stream"), "stream"),
        include_usage=True,
        structured_output=is_structured,
        response_schema=schema,
        temperature=number_or_none(extras.get("temperature")),
        top_p=number_or_none(extras.get("top_p")),
        effort=_read_effort([extras, *updates]),
        parallel_calls=_read_parallel(extras.get("parallel_tool_calls")),
        user=text_or_empty(extras.get("user")) or None,
        native=tuple(native_fields(extras)),
        extras=extras,
    )


def _is_extra(name: str) -> bool:
    return name not in _ELSEWHERE and not is_shadow_of_model(name)


def _check_possible(fields: Mapping[str, Any]) -> None:
    for name in _KEPT_ELSEWHERE:
        if fields.get(name) is not None:
            refuse_field(name, f"names what this gateway has not kept; {_WHOLE}")
    if read_flag(fields.get("background"), "background"):
        refuse_field("background", "must be false: this gateway answers while the client waits")


def _read_most_tokens(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        refuse_field("max_output_tokens", "must be a whole number above 0")
    return value


def _read_parallel(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_effort(places: Sequence[Mapping[str, Any]]) -> str | None:
    """How hard the model is to think; what was said last counts."""
    said = [text_or_empty((object_or_none(place.get("reasoning")) or {}).get("effort")) for place in places]
    return next((effort for effort in reversed(said) if effort), None)


def _read_form(places: Sequence[Mapping[str, Any]]) -> tuple[ResponseSchema | None, bool]:
    """The form of the answer; what was said last counts."""
    forms = [object_or_none((object_or_none(place.get("text")) or {}).get("format")) for place in places]
    form = next((form for form in reversed(forms) if form is not None), None) or {}
    schema = object_or_none(form.get("schema"))
    is_structured = form.get("type") not in (None, "text")
    if schema is None:
        return None, is_structured
    strict = form.get("strict")
    name = text_or_empty(form.get("name")) or "answer"
    return ResponseSchema(schema, name, strict if isinstance(strict, bool) else None), is_structured


def _read_instructions(body: Mapping[str, Any]) -> tuple[Message, ...]:
    value = body.get("instructions")
    if value is None:
        return ()
    if not isinstance(value, str):
        refuse_field("instructions", "must be a string")
    return (Message("system", (Text(value),), source=Source(NAME, {"instructions": value})),)


def _read_input(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    value = body.get("input")
    if isinstance(value, str) or (value is None and body.get("prompt") is not None):
        return []
    if not isinstance(value, list):
        refuse_field("input", "must be a string or a list of items")
    return [_checked(item, f"input[{index}]") for index, item in enumerate(list_or_empty(value))]


def _read_said(body: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> list[Message]:
    text = body.get("input")
    if isinstance(text, str):
        return [Message("user", (Text(text),), source=Source(NAME, {"input": text}))]
    return read_messages(items)


def _checked(value: Any, where: str) -> Mapping[str, Any]:
    """An item, of which that has been checked on which the gateway relies."""
    item = object_or_none(value)
    if item is None:
        refuse_field(where, "must be an object")
    kind = item.get("type")
    if kind == "item_reference" or (kind is None and "role" not in item and "id" in item):
        refuse_field(where, f"refers to an item that this gateway has not kept; {_WHOLE}")
    if kind in (None, "message"):
        if role_in(item) is None:
            refuse_field(f"{where}.role", "must be one of user, assistant, system, developer")
        _check_content(item.get("content"), f"{where}.content")
    elif not isinstance(kind, str):
        refuse_field(f"{where}.type", "must be a string")
    else:
        _check_call(item, kind, where)
    return item


def _check_call(item: Mapping[str, Any], kind: str, where: str) -> None:
    if kind in ("function_call", "custom_tool_call"):
        for name in ("call_id", "name"):
            if not isinstance(item.get(name), str):
                refuse_field(f"{where}.{name}", "must be a string")
    elif kind in ("function_call_output", "custom_tool_call_output"):
        if not isinstance(item.get("call_id"), str):
            refuse_field(f"{where}.call_id", "must be the id of the call that this answers")
        _check_content(item.get("output"), f"{where}.output")


def _check_content(content: Any, where: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        refuse_field(where, "must be a string or a list of parts")
    for index, part in enumerate(list_or_empty(content)):
        fields = object_or_none(part)
        if fields is None or not isinstance(fields.get("type"), str):
            refuse_field(f"{where}[{index}]", "must be an object with a type")
        if fields["type"] in _TEXTS and not isinstance(fields.get("text"), str):
            refuse_field(f"{where}[{index}].text", "must be a string")


def _tools_in(items: Sequence[Mapping[str, Any]]) -> list[ToolDefinition]:
    """The tools that came to be known within the input."""
    found: list[ToolDefinition] = []
    for index, item in enumerate(items):
        if text_or_empty(item.get("type")) in BRINGS_TOOLS:
            found += read_tools(item.get("tools"), f"input[{index}].tools", item)
    return found
