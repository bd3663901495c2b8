"""Whole answers, both directions. They have no id and name no model."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Message, ModelResponse, Source
from gateway.dialects.bedrock_converse.block_writing import answer_blocks
from gateway.dialects.bedrock_converse.blocks import read_content
from gateway.dialects.bedrock_converse.errors import raise_error_in
from gateway.dialects.bedrock_converse.name import NAME, own_object
from gateway.dialects.bedrock_converse.stop_reasons import read_stop_reason, write_stop_reason
from gateway.dialects.bedrock_converse.usage import read_usage, write_usage
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.finish_words import told_reason
from gateway.dialects.json_values import load_object, object_or_none

ID_PREFIX = "converse-"
NO_METRICS: Mapping[str, Any] = {"latencyMs": 0}
"""How long the provider took, where it did not say."""

_NAMED = frozenset({"output", "stopReason", "usage", "toolgate"})


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw, body)
    content = _message_in(raw).get("content")
    if not isinstance(content, list):
        raise WireFormatError("the answer holds no content")
    answer = Message("assistant", read_content(content))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    usage = object_or_none(raw.get("usage"))
    return ModelResponse(
        id=new_response_id(),
        model="",
        created=int(time.time()),
        message=answer,
        finish_reason=read_stop_reason(raw.get("stopReason"), has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras={name: value for name, value in raw.items() if name not in _NAMED},
        source=Source(NAME, raw),
    )


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    message, usage = _message_in(raw), object_or_none(raw.get("usage"))
    if message and read_content(message.get("content")) != response.message.parts:
        message = {}
    if usage is None or read_usage(usage) != response.usage:
        usage = write_usage(response.usage)
    told = message or {"role": "assistant", "content": answer_blocks(response.message.parts)}
    written: dict[str, Any] = {
        "metrics": NO_METRICS,
        **(response.extras if is_own else {}),
        "output": {"message": told},
        "stopReason": write_stop_reason(told_reason(response), raw.get("stopReason")),
        "usage": usage,
    }
    return written if toolgate is None else {**written, "toolgate": toolgate}


def _message_in(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    output = object_or_none(raw.get("output")) or {}
    return object_or_none(output.get("message")) or {}


def new_response_id() -> str:
    """An id for an answer: clients of other dialects take answers of one id for one answer."""
    return f"{ID_PREFIX}{secrets.token_hex(12)}"
