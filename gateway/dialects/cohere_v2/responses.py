"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Message, ModelResponse, Source
from gateway.dialects.cohere_v2.errors import raise_failure
from gateway.dialects.cohere_v2.finish_reasons import read_finish, write_finish
from gateway.dialects.cohere_v2.messages import read_assistant, write_answer
from gateway.dialects.cohere_v2.name import NAME, own_object
from gateway.dialects.cohere_v2.usage import read_usage, write_usage
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty

_NAMED = frozenset({"id", "message", "finish_reason", "usage", "error", "toolgate"})


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer, which does not name the model. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_failure(raw.get("finish_reason"), raw.get("error"))
    message = object_or_none(raw.get("message"))
    if message is None:
        raise WireFormatError("the answer holds no message")
    answer = Message("assistant", read_assistant(message))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    usage = object_or_none(raw.get("usage"))
    return ModelResponse(
        id=text_or_empty(raw.get("id")) or new_response_id(),
        model="",
        created=int(time.time()),
        message=answer,
        finish_reason=read_finish(raw.get("finish_reason"), has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def write_response(response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An answer for a client; what has not been changed since it was read is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    came = object_or_none(raw.get("message"))
    if came is None or read_assistant(came) != response.message.parts:
        came = write_answer(response.message.parts)
    written: dict[str, Any] = {
        **(response.extras if is_own else {}),
        "id": response.id,
        "finish_reason": write_finish(response.finish_reason, raw.get("finish_reason")),
        "message": came,
    }
    if response.usage is not None:
        usage = object_or_none(raw.get("usage"))
        is_same = usage is not None and read_usage(usage) == response.usage
        written["usage"] = usage if is_same else write_usage(response.usage)
    return written if toolgate is None else {**written, "toolgate": toolgate}


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The top-level fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if name not in _NAMED}


def new_response_id() -> str:
    """An id for an answer that came without one: clients take answers of one id for one answer."""
    return f"chat-{secrets.token_hex(12)}"
