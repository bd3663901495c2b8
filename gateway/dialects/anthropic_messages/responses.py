"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Message, ModelResponse, Source
from gateway.dialects.anthropic_messages.block_writing import answer_blocks
from gateway.dialects.anthropic_messages.blocks import read_content
from gateway.dialects.anthropic_messages.errors import status_of
from gateway.dialects.anthropic_messages.name import NAME, own_object
from gateway.dialects.anthropic_messages.stop_reasons import read_stop_reason, write_stop_reason
from gateway.dialects.anthropic_messages.usage import read_usage, write_usage
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import UpstreamStreamError, WireFormatError
from gateway.dialects.finish_words import told_reason
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty

_NAMED = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "error", "toolgate"}
)


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw, body)
    if not isinstance(raw.get("content"), list):
        raise WireFormatError("the answer holds no content")
    answer = Message("assistant", read_content(raw["content"]))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    usage = object_or_none(raw.get("usage"))
    return ModelResponse(
        id=text_or_empty(raw.get("id")) or new_response_id(),
        model=text_or_empty(raw.get("model")),
        created=int(time.time()),
        message=answer,
        finish_reason=read_stop_reason(raw.get("stop_reason"), has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    came = raw.get("content")
    is_unchanged = isinstance(came, list) and read_content(came) == response.message.parts
    reason = write_stop_reason(told_reason(response), raw.get("stop_reason"))
    written: dict[str, Any] = {
        **(response.extras if is_own else {}),
        "id": response.id,
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": came if is_unchanged else answer_blocks(response.message.parts),
        "stop_reason": reason,
        "stop_sequence": raw.get("stop_sequence") if reason == "stop_sequence" else None,
        "usage": _write_usage(response, object_or_none(raw.get("usage"))),
    }
    return written if toolgate is None else {**written, "toolgate": toolgate}


def _write_usage(response: ModelResponse, came: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if came is not None and read_usage(came) == response.usage:
        return came
    return write_usage(response.usage)


def raise_error_in(raw: Mapping[str, Any], data: bytes) -> None:
    """Raise UpstreamStreamError for an error object."""
    if raw.get("type") == "error" or raw.get("error"):
        raise UpstreamStreamError(data, status_of(raw))


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if name not in _NAMED}


def new_response_id() -> str:
    """An id for an answer that came without one: clients take answers of one id for one answer."""
    return f"msg_{secrets.token_hex(12)}"
