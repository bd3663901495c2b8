"""A stream for a client.

Parts follow each other, one at a time; several calls are put in order by `gateway.dialects.call_order`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.call_order import CallOrder
from gateway.dialects.cohere_v2.finish_reasons import write_finish
from gateway.dialects.cohere_v2.name import PLAN, own_fields
from gateway.dialects.cohere_v2.usage import write_usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.json_values import list_or_empty
from gateway.sse import HEARTBEAT, encode_event

_Open = Literal["", "text", "thinking", "call"]
_DONE = b"data: [DONE]\n\n"


class CohereStreamWriter:
    """See `gateway.dialects.StreamWriter`. Whether the client asked for the usage does not matter here."""

    __slots__ = ("_calls", "_citations", "_contents", "_end", "_open", "_order", "_started")

    def __init__(self) -> None:
        self._started = False
        self._open: _Open = ""
        self._contents = self._calls = self._citations = 0
        self._order = CallOrder()
        self._end: tuple[Finished, Mapping[str, Any] | None] | None = None

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as frames, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            self._started = True
            message: dict[str, Any] = {
                "role": "assistant",
                "content": [],
                "tool_plan": "",
                "tool_calls": [],
                "citations": [],
            }
            return _frame("message-start", id=event.id, delta={"message": message})
        if not self._started:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            self._end = (event, toolgate)
            return self._last_parts()
        if isinstance(event, UsageReported):
            return self._message_end(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
        return self._piece(event) if self._order.admits(event) else b""

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """An event that Cohere has for people who look into its streams, and that programs pass over."""
        return _frame("debug", toolgate=fields)

    def heartbeat(self) -> bytes:
        """A comment."""
        return HEARTBEAT

    def error(self, fault: ToldFault) -> bytes:
        """The end of an answer that failed, which is how Cohere tells it."""
        return _frame("message-end", delta={"finish_reason": "ERROR", "error": fault.message})

    def done(self) -> bytes:
        """The end."""
        return self._message_end(None, None) + _DONE

    def _piece(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._content("text", event.text)
            case ReasoningDelta(field=name) if name == PLAN:
                plan = {"message": {PLAN: event.text}}
                return self._close_part() + _frame("tool-plan-delta", delta=plan) if event.text else b""
            case ReasoningDelta():
                return self._content("thinking", event.text)
            case ToolCallStarted():
                return self._call_started(event)
            case ToolCallDelta():
                return self._arguments(event.arguments)
            case UnknownDelta() if raw := own_fields(event.dialect, event.raw):
                return self._unknown(raw)
            case _:
                return b""

    def _content(self, kind: Literal["text", "thinking"], text: str) -> bytes:
        if not text:
            return b""
        opening = b""
        if self._open != kind:
            opening = self._close_part()
            self._open = kind
            content = {"type": kind, kind: ""}
            opening += _frame("content-start", index=self._contents, delta={"message": {"content": content}})
        delta = {"message": {"content": {kind: text}}}
        return opening + _frame("content-delta", index=self._contents, delta=delta)

    def _call_started(self, event: ToolCallStarted) -> bytes:
        closing = self._close_part()
        self._open = "call"
        function = {"name": event.name, "arguments": ""}
        raw = own_fields(event.dialect, event.raw)
        call = {**raw, "id": event.id, "type": "function", "function": function}
        return closing + _frame("tool-call-start", index=self._calls, delta={"message": {"tool_calls": call}})

    def _arguments(self, text: str) -> bytes:
        if not text:
            return b""
        call = {"function": {"arguments": text}}
        return _frame("tool-call-delta", index=self._calls, delta={"message": {"tool_calls": call}})

    def _unknown(self, raw: Mapping[str, Any]) -> bytes:
        if "event" in raw:
            return _frame(**raw["event"])
        written = b""
        for citation in list_or_empty(raw.get("citations")):
            delta = {"message": {"citations": citation}}
            written += _frame("citation-start", index=self._citations, delta=delta)
            written += _frame("citation-end", index=self._citations)
            self._citations += 1
        return written

    def _last_parts(self) -> bytes:
        """What waited for the first call to be complete."""
        return b"".join(map(self._piece, self._order.rest())) + self._close_part()

    def _close_part(self) -> bytes:
        kind, self._open = self._open, ""
        if kind == "call":
            self._calls += 1
            return _frame("tool-call-end", index=self._calls - 1)
        if kind:
            self._contents += 1
            return _frame("content-end", index=self._contents - 1)
        return b""

    def _message_end(self, usage: Mapping[str, Any] | None, toolgate: Mapping[str, Any] | None) -> bytes:
        """Why the model stopped and what it used, in one frame, once."""
        if self._end is None:
            return b""
        (event, told), self._end = self._end, None
        raw = own_fields(event.dialect, event.raw)
        delta = {**raw, "finish_reason": write_finish(event.reason, raw.get("finish_reason"))}
        if usage is not None:
            delta["usage"] = usage
        toolgate = toolgate or told
        beside = {} if toolgate is None else {"toolgate": toolgate}
        return _frame("message-end", delta=delta, **beside)


def _frame(type: str, **fields: Any) -> bytes:  # noqa: A002 - an event that passes through is these very fields
    return encode_event(orjson.dumps({"type": type, **fields}), type)
