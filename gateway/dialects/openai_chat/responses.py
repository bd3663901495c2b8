"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Message, ModelResponse, Source
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import list_or_empty, load_object, object_or_none, text_or_empty
from gateway.dialects.openai_chat.finish import read_finish, write_finish
from gateway.dialects.openai_chat.messages import read_assistant_parts, write_assistant
from gateway.dialects.openai_chat.name import NAME, is_own, own_object
from gateway.dialects.openai_chat.usage import find_usage, read_usage, write_usage

TOP_LEVEL = frozenset({"id", "object", "created", "model", "choices", "usage", "error", "toolgate"})
"""Fields of an answer or a chunk that are not extras."""


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw, body)
    choice = first_choice(raw)
    message = object_or_none(choice.get("message")) if choice is not None else None
    if choice is None or message is None:
        raise WireFormatError("the answer holds no message")
    answer = Message("assistant", read_assistant_parts(message))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    usage = find_usage(raw)
    return ModelResponse(
        id=text_or_empty(raw.get("id")) or new_response_id(),
        model=text_or_empty(raw.get("model")),
        created=read_created(raw),
        message=answer,
        finish_reason=read_finish(choice.get("finish_reason"), has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    written: dict[str, Any] = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created,
        "model": response.model,
        "choices": [_write_choice(response, first_choice(raw) or {})],
    }
    if response.usage is not None:
        written["usage"] = _write_usage(response, raw)
    if response.source is None or is_own(response.source):
        written |= response.extras
    if toolgate is not None:
        written["toolgate"] = toolgate
    return written


def _write_choice(response: ModelResponse, raw: Mapping[str, Any]) -> dict[str, Any]:
    finish = write_finish(response.finish_reason, raw.get("finish_reason"))
    came = object_or_none(raw.get("message"))
    if came is not None and read_assistant_parts(came) == response.message.parts:
        return {**raw, "index": 0, "message": {**came, "role": "assistant"}, "finish_reason": finish}
    message = {"refusal": None, **write_assistant(response.message)}
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}


def _write_usage(response: ModelResponse, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    came = find_usage(raw)
    if came is not None and read_usage(came) == response.usage:
        return came
    return write_usage(response.usage) if response.usage is not None else {}


def raise_error_in(raw: Mapping[str, Any], data: bytes) -> None:
    """Raise UpstreamStreamError for an error object; `"error": null` beside an answer is none."""
    if raw.get("error") or raw.get("object") == "error":
        raise UpstreamStreamError(data)


def first_choice(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """The choice of index 0, which need not say so."""
    for value in list_or_empty(raw.get("choices")):
        choice = object_or_none(value)
        if choice is not None and not choice.get("index"):
            return choice
    return None


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if name not in TOP_LEVEL}


def read_created(raw: Mapping[str, Any]) -> int:
    """When the answer was made, in seconds since the epoch; now, where it does not say."""
    created = raw.get("created")
    return int(created) if isinstance(created, int | float) and created > 0 else int(time.time())


def new_response_id() -> str:
    """An id for an answer that came without one: clients take answers of one id for one answer."""
    return f"chatcmpl-{secrets.token_hex(12)}"
