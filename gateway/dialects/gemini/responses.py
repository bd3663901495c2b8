"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.conversation import (
    FinishReason,
    Message,
    ModelResponse,
    Part,
    Reasoning,
    Source,
    Text,
    ToolCall,
)
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.finish_words import told_reason
from gateway.dialects.gemini.errors import failed_answer, raise_error_in
from gateway.dialects.gemini.fields import as_list, camel, field, without
from gateway.dialects.gemini.finish_reasons import failure_status, read_finish, write_finish
from gateway.dialects.gemini.name import NAME, is_minted, own_object
from gateway.dialects.gemini.part_writing import answer_parts
from gateway.dialects.gemini.parts import parts_of, read_answer
from gateway.dialects.gemini.usage import read_usage, write_usage
from gateway.dialects.json_values import load_object, number_or_none, object_or_none, text_or_empty

_NAMED = frozenset(
    {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error", "toolgate"}
)


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw, body)
    candidate = first_candidate(raw)
    if candidate is None and field(raw, "promptFeedback") is None:
        raise WireFormatError("the answer holds no candidate")
    candidate = candidate or {}
    answer = Message("assistant", read_answer(parts_of(object_or_none(candidate.get("content")) or {})))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    check_end(candidate, says_something=any(_says_something(part) for part in answer.parts))
    usage = object_or_none(field(raw, "usageMetadata"))
    return ModelResponse(
        id=text_or_empty(field(raw, "responseId")) or new_response_id(),
        model=text_or_empty(field(raw, "modelVersion")),
        created=read_created(raw),
        message=answer,
        finish_reason=reason_of(raw, candidate, has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def _says_something(part: Part) -> bool:
    return not isinstance(part, Reasoning) and part != Text("")


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    came = first_candidate(raw) or {}
    written: dict[str, Any] = {
        "candidates": [_write_candidate(response, came)],
        "modelVersion": response.model,
        "responseId": response.id,
        **(response.extras if is_own else {}),
    }
    if response.usage is not None:
        own = object_or_none(field(raw, "usageMetadata"))
        is_same = own is not None and read_usage(own) == replace(response.usage, cost_usd=None)
        written["usageMetadata"] = own if is_same else write_usage(response.usage)
    return written if toolgate is None else {**written, "toolgate": toolgate}


def _write_candidate(response: ModelResponse, came: Mapping[str, Any]) -> dict[str, Any]:
    content = object_or_none(came.get("content")) or {}
    parts = parts_of(content)
    if not parts or read_answer(parts, lambda: "") != _as_read(response):
        content = {"role": "model", "parts": answer_parts(response.message.parts) or [{"text": ""}]}
    reason = write_finish(told_reason(response), field(came, "finishReason"))
    beside = without(came, "content", "finishReason", "index")
    return {"content": content, "finishReason": reason, "index": 0, **beside}


def _as_read(response: ModelResponse) -> tuple[Part, ...]:
    """The parts without the ids that were made up for calls."""
    return tuple(
        replace(part, id="") if isinstance(part, ToolCall) and is_minted(part.id) else part
        for part in response.message.parts
    )


def first_candidate(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """The candidate of index 0, which need not say so."""
    for value in as_list(raw.get("candidates")):
        candidate = object_or_none(value)
        if candidate is not None and not candidate.get("index"):
            return candidate
    return None


def reason_of(raw: Mapping[str, Any], candidate: Mapping[str, Any], *, has_calls: bool) -> FinishReason:
    """Why the answer ended; one without a candidate was held back for what was asked."""
    if not candidate and (object_or_none(field(raw, "promptFeedback")) or {}):
        return FinishReason.CONTENT_FILTER
    return read_finish(field(candidate, "finishReason"), has_calls=has_calls)


def check_end(candidate: Mapping[str, Any], *, says_something: bool) -> None:
    """Raise UpstreamStreamError for an answer that is a failure: it says nothing but why."""
    word = field(candidate, "finishReason")
    status = failure_status(word)
    if status is not None and not says_something:
        raise failed_answer(str(word), text_or_empty(field(candidate, "finishMessage")), status)


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if camel(name) not in _NAMED}


def read_created(raw: Mapping[str, Any]) -> int:
    """When the answer was made, in seconds since the epoch; now, where it does not say."""
    told = field(raw, "createTime")
    if isinstance(told, str):
        try:
            return int(datetime.fromisoformat(told).timestamp())
        except (ValueError, OverflowError):
            pass
    return int(number_or_none(told) or time.time())


def new_response_id() -> str:
    """An id for an answer that came without one: clients take answers of one id for one answer."""
    return secrets.token_urlsafe(16)
