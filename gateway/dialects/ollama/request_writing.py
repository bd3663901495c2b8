"""A request for a provider.

Of a request that was read from this dialect, every field is written as it came, but for `model` and for what has
been changed since. Whether to stream is always said: who says nothing gets a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.conversation import Message, ModelRequest
from gateway.dialects.crossing import check_crossing, refuse_crossing
from gateway.dialects.json_values import object_or_none
from gateway.dialects.ollama.messages import write_message
from gateway.dialects.ollama.name import NAME, own_object
from gateway.dialects.ollama.native_fields import OPTIONS
from gateway.dialects.ollama.request_reading import read_max_tokens
from gateway.dialects.ollama.tools import check_choice, write_tools

_SETTINGS = ("seed", "top_k", "frequency_penalty", "presence_penalty")
_EFFORTS: Mapping[str, bool | str] = {"none": False, "minimal": "low", "low": "low", "medium": "medium"}


def write_request(request: ModelRequest, *, model: str) -> dict[str, Any]:
    """The body, whose values are shared with `request`.

    Raises InvalidRequest for what another dialect says and this one cannot.
    """
    check_crossing(request, NAME, settings=_SETTINGS)
    if request.n > 1:
        refuse_crossing("n", "n must be 1: the provider of this model gives one answer at a time")
    check_choice(request)
    body: dict[str, Any] = {"model": model, "messages": write_messages(request.messages)}
    body |= request.extras if request.dialect == NAME else _carried_over(request)
    if request.tools and (request.tool_choice is None or request.tool_choice.mode != "none"):
        body["tools"] = write_tools(request.tools)
    options = object_or_none(body.get("options")) or {}
    if read_max_tokens(options) != request.max_tokens:
        body["options"] = _with_limit(options, request.max_tokens)
    if body.get("stream") is not request.stream:
        body["stream"] = request.stream
    return body


def _carried_over(request: ModelRequest) -> dict[str, Any]:
    """What the vocabulary names, of a request of another dialect."""
    options: dict[str, Any] = {option: getattr(request, name) for option, name in OPTIONS.items()}
    options["stop"] = list(request.stop) or None
    carried: dict[str, Any] = {
        "options": {name: value for name, value in options.items() if value is not None} or None,
        "think": None if request.effort is None else _EFFORTS.get(request.effort, "high"),
        "format": "json" if request.structured_output else None,
    }
    if request.response_schema is not None:
        carried["format"] = request.response_schema.schema
    return {name: value for name, value in carried.items() if value is not None}


def _with_limit(options: Mapping[str, Any], limit: int | None) -> dict[str, Any]:
    others = {name: value for name, value in options.items() if name != "num_predict"}
    return others if limit is None else {**others, "num_predict": limit}


def write_messages(messages: Sequence[Message]) -> list[Mapping[str, Any]]:
    """The messages; those that came in this dialect are the very objects that came."""
    names: dict[str, str] = {}
    written: list[Mapping[str, Any]] = []
    for message in messages:
        names |= {call.id: call.name for call in message.tool_calls}
        raw = own_object(message.source)
        written += [raw] if raw else write_message(message, names)
    return written
