"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.conversation import Message, ModelResponse, Source
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty
from gateway.dialects.ollama.call_ids import made_id
from gateway.dialects.ollama.done_reasons import read_done_reason, write_done_reason
from gateway.dialects.ollama.errors import raise_error_in
from gateway.dialects.ollama.messages import read_parts, write_answer
from gateway.dialects.ollama.name import NAME, own_object
from gateway.dialects.ollama.usage import COUNTS, find_usage, write_usage

_NAMED = frozenset({"model", "message", "done", "done_reason", "error", "toolgate", *COUNTS})


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw, body)
    message = object_or_none(raw.get("message"))
    if message is None:
        raise WireFormatError("the answer holds no message")
    answer = Message("assistant", read_parts(message, place_of(raw)))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    return ModelResponse(
        id=response_id(raw),
        model=text_or_empty(raw.get("model")),
        created=read_created(raw),
        message=answer,
        finish_reason=read_done_reason(raw.get("done_reason"), has_calls=bool(answer.tool_calls)),
        usage=find_usage(raw),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    came = object_or_none(raw.get("message"))
    if came is None or read_parts(came, place_of(raw)) != response.message.parts:
        came = write_answer(response.message.parts)
    written: dict[str, Any] = {
        "model": response.model,
        "created_at": iso(response.created),
        "message": came,
        **(response.extras if is_own else {}),
        "done": True,
        "done_reason": write_done_reason(response.finish_reason, raw.get("done_reason")),
    }
    if response.usage is not None:
        counted = {name: raw[name] for name in COUNTS if name in raw}
        written |= counted if find_usage(raw) == response.usage else write_usage(response.usage)
    return written if toolgate is None else {**written, "toolgate": toolgate}


def place_of(raw: Mapping[str, Any]) -> str:
    """What tells an answer from all others: when it was made, to the nanosecond, where that is said."""
    return text_or_empty(raw.get("created_at")) or secrets.token_hex(12)


def response_id(raw: Mapping[str, Any]) -> str:
    """An id for an answer, which here has none: other dialects' clients take answers of one id for one answer."""
    return f"ollama-{made_id(place_of(raw), text_or_empty(raw.get('model')))[5:]}"


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if name not in _NAMED}


def read_created(raw: Mapping[str, Any]) -> int:
    """When the answer was made, in seconds since the epoch; now, where it does not say."""
    try:
        return int(datetime.fromisoformat(text_or_empty(raw.get("created_at"))).timestamp())
    except (ValueError, OverflowError):
        return int(time.time())


def iso(seconds: int) -> str:
    """A time as it stands in answers."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
