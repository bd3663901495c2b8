"""A stream for a client.

A call leaves whole, in one line, for which its arguments are put together; so does the end, with the usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.conversation import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    Source,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.faults import ToldFault
from gateway.dialects.ollama.done_reasons import write_done_reason
from gateway.dialects.ollama.errors import write_error
from gateway.dialects.ollama.messages import write_call
from gateway.dialects.ollama.name import THINKING, own_fields
from gateway.dialects.ollama.responses import iso
from gateway.dialects.ollama.usage import write_usage


class OllamaStreamWriter:
    """See `gateway.dialects.StreamWriter`. The usage is told in any case."""

    __slots__ = ("_arguments", "_calls", "_end", "_head", "_named", "_waiting")

    def __init__(self) -> None:
        self._head = b""
        self._named: frozenset[str] = frozenset()
        self._calls: dict[int, ToolCallStarted] = {}
        self._arguments: dict[int, list[str]] = {}
        self._end: tuple[Finished, Mapping[str, Any] | None] | None = None
        self._waiting: list[Mapping[str, Any]] = []

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as a line, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            return self._start(event)
        if not self._head:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            self._end = (event, toolgate)
            return self._whole_calls()
        if isinstance(event, UsageReported):
            return self._last(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
        return self._delta(event)

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """A line without a word in it. Before the answer has started it waits: nobody knows yet whose it is."""
        if not self._head:
            self._waiting.append(fields)
            return b""
        return self._line({"content": ""}, {"toolgate": fields})

    def error(self, fault: ToldFault) -> bytes:
        """The error as the last line."""
        return orjson.dumps(write_error(fault)) + b"\n"

    def heartbeat(self) -> bytes:
        """A blank in front of the next line: JSON may begin so, and an empty line would be none."""
        return b" "

    def done(self) -> bytes:
        """The end, of a stream whose usage nobody knows."""
        return self._last({}, None)

    def _start(self, event: ResponseStarted) -> bytes:
        given = own_fields(event.dialect, event.extras)
        head = {"model": event.model, "created_at": iso(event.created), **given}
        self._head, self._named = orjson.dumps(head)[:-1], frozenset(head)
        waiting, self._waiting = self._waiting, []
        return b"".join(self.progress(fields) for fields in waiting)

    def _delta(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta() | RefusalDelta():
                return self._line({"content": event.text}) if event.text else b""
            case ReasoningDelta():
                return self._line({"content": "", THINKING: event.text}) if event.text else b""
            case ToolCallStarted():
                self._calls[event.index] = event
            case ToolCallDelta():
                self._arguments.setdefault(event.index, []).append(event.arguments)
            case UnknownDelta() if raw := own_fields(event.dialect, event.raw):
                if event.in_message:
                    return self._line({"content": "", **raw})
                return self._line({"content": ""}, raw)
            case _:
                pass
        return b""

    def _whole_calls(self) -> bytes:
        lines = b""
        for index, begun in self._calls.items():
            source = Source(begun.dialect, begun.raw) if begun.raw else None
            call = ToolCall(begun.id, begun.name, "".join(self._arguments.get(index, ())), source)
            lines += self._line({"content": "", "tool_calls": [write_call(call)]})
        return lines

    def _line(self, message: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> bytes:
        told = {"message": {"role": "assistant", **message}, **(beside or {}), "done": False}
        return self._head + b"," + orjson.dumps(told)[1:] + b"\n"

    def _last(self, usage: Mapping[str, Any], toolgate: Mapping[str, Any] | None) -> bytes:
        """Why the model stopped and what it used, in one line, once."""
        if self._end is None:
            return b""
        (event, earlier), self._end = self._end, None
        raw = own_fields(event.dialect, event.raw)
        about = {name: value for name, value in raw.items() if name not in self._named}
        told: dict[str, Any] = {
            "message": {"role": "assistant", "content": ""},
            "done": True,
            **about,
            "done_reason": write_done_reason(event.reason, raw.get("done_reason")),
            **usage,
        }
        toolgate = toolgate or earlier
        if toolgate is not None:
            told["toolgate"] = toolgate
        return self._head + b"," + orjson.dumps(told)[1:] + b"\n"
