"""Whole answers, both directions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import FinishReason, Message, ModelRequest, ModelResponse, Source
from gateway.dialects.event_reading import MOST_CALLS
from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import (
    can_be_written,
    list_or_empty,
    load_object,
    object_or_none,
    text_or_empty,
)
from gateway.dialects.openai_responses.calls import CallWriter
from gateway.dialects.openai_responses.echo import asks_for_proofs, echo
from gateway.dialects.openai_responses.errors import told_error
from gateway.dialects.openai_responses.item_writing import answer_items
from gateway.dialects.openai_responses.items import read_turn
from gateway.dialects.openai_responses.name import NAME, own_object
from gateway.dialects.openai_responses.status import read_finish, write_finish
from gateway.dialects.openai_responses.usage import read_usage, write_usage

_NAMED = frozenset(
    {
        *("id", "object", "created_at", "model", "output", "usage", "status", "error", "incomplete_details"),
        *("toolgate", "output_text"),
    }
)
"""Fields of an answer that are not extras."""


def read_response(body: bytes) -> ModelResponse:
    """A provider's answer. Raises WireFormatError, UpstreamStreamError."""
    raw = load_object(body)
    raise_error_in(raw)
    if not isinstance(raw.get("output"), list):
        raise WireFormatError("the answer holds no output")
    if not can_be_written(raw):
        raise WireFormatError("the answer is nested too deeply")
    answer = Message("assistant", read_turn(_items_in(raw)))
    if len(answer.tool_calls) > MOST_CALLS:
        raise WireFormatError(f"it holds more than {MOST_CALLS} tool calls")
    usage = object_or_none(raw.get("usage"))
    return ModelResponse(
        id=text_or_empty(raw.get("id")) or new_response_id(),
        model=text_or_empty(raw.get("model")),
        created=read_created(raw),
        message=answer,
        finish_reason=read_finish(raw, has_calls=bool(answer.tool_calls)),
        usage=None if usage is None else read_usage(usage),
        extras=extras_of(raw),
        source=Source(NAME, raw),
    )


def write_response(
    response: ModelResponse, request: ModelRequest | None, *, toolgate: Mapping[str, Any] | None
) -> dict[str, Any]:
    """An answer for the client that sent `request`; what has not been changed is written as it came."""
    raw = own_object(response.source)
    is_own = response.source is None or response.source.dialect == NAME
    written: dict[str, Any] = {
        **echo(request, response.extras if is_own else {}),
        "id": response.id,
        "object": "response",
        "created_at": raw.get("created_at") or response.created,
        **write_finish(response.finish_reason, raw),
        "error": None,
        "model": response.model,
        "output": _output(response, raw, request),
        "usage": _write_usage(response, object_or_none(raw.get("usage"))),
    }
    return written if toolgate is None else {**written, "toolgate": toolgate}


def _output(response: ModelResponse, raw: Mapping[str, Any], request: ModelRequest | None) -> list[Any]:
    with_proofs = asks_for_proofs(request)
    if with_proofs and raw and read_turn(_items_in(raw)) == response.message.parts:
        return list_or_empty(raw["output"])
    status = "incomplete" if response.finish_reason is FinishReason.LENGTH else "completed"
    calls = CallWriter(() if request is None else request.tools)
    return answer_items(response.message.parts, calls, with_proofs=with_proofs, status=status)


def _items_in(raw: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = (object_or_none(item) for item in list_or_empty(raw.get("output")))
    return [item for item in items if item is not None]


def _write_usage(response: ModelResponse, came: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if response.usage is None:
        return None
    is_unchanged = came is not None and read_usage(came) == replace(response.usage, cost_usd=None)
    return came if is_unchanged else write_usage(response.usage)


def raise_error_in(raw: Mapping[str, Any]) -> None:
    """Raise UpstreamStreamError for an answer that failed, or an error instead of one."""
    if raw.get("error") or raw.get("status") == "failed" or raw.get("object") == "error":
        raise told_error(raw if raw.get("error") else {})


def extras_of(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the vocabulary does not name."""
    return {name: value for name, value in raw.items() if name not in _NAMED}


def read_created(raw: Mapping[str, Any]) -> int:
    """When the answer was made, in seconds since the epoch; now, where it does not say."""
    created = raw.get("created_at")
    return int(created) if isinstance(created, int | float) and created > 0 else int(time.time())


def new_response_id() -> str:
    """An id for an answer that came without one: clients take answers of one id for one answer."""
    return f"resp_{secrets.token_hex(16)}"
