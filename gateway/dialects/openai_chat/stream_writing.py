"""A stream for a client.

Every frame of an answer begins with the same bytes, which are put together once; of a delta only its text is
encoded.
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
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    UsageReported,
)
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_chat.finish import write_finish
from gateway.dialects.openai_chat.messages import REASONING_FIELDS
from gateway.dialects.openai_chat.name import NAME, own_fields
from gateway.dialects.openai_chat.responses import TOP_LEVEL
from gateway.dialects.openai_chat.usage import write_usage
from gateway.dialects.openai_errors import write_error
from gateway.sse import HEARTBEAT, encode_event

_STEADY = frozenset({"system_fingerprint", "service_tier"})
"""Extras that OpenAI repeats in every chunk; all others leave with the first one."""

_DONE = b"data: [DONE]\n\n"


class ChatStreamWriter:
    """See `gateway.dialects.StreamWriter`."""

    __slots__ = ("_customs", "_head", "_include_usage", "_no_usage", "_waiting")

    def __init__(self, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._no_usage = b',"usage":null' if include_usage else b""
        self._head = b""
        self._customs: set[int] = set()
        self._waiting: list[Mapping[str, Any]] = []

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as a frame, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            return self._start(event, toolgate)
        if not self._head:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            return self._finish(event, toolgate)
        if isinstance(event, UsageReported):
            return self._usage(event, toolgate)
        if isinstance(event, UnknownDelta) and not event.in_message:
            about = _object_inside(own_fields(event.dialect, event.raw))
            return self._frame(b"{}", about=about, toolgate=toolgate) if about else b""
        delta = self._delta(event)
        return self._frame(delta, toolgate=toolgate) if delta else b""

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """A chunk with an empty delta. Before the answer has started it waits: it has no id to go by yet."""
        if not self._head:
            self._waiting.append(fields)
            return b""
        return self._frame(b"{}", toolgate=fields)

    def error(self, fault: ToldFault) -> bytes:
        """The error object as an event. No `[DONE]` may follow it: to most clients that says that all is well."""
        return encode_event(orjson.dumps(write_error(fault)))

    def heartbeat(self) -> bytes:
        """A comment."""
        return HEARTBEAT

    def done(self) -> bytes:
        """The end."""
        return _DONE

    def _start(self, event: ResponseStarted, toolgate: Mapping[str, Any] | None) -> bytes:
        given = own_fields(event.dialect, event.extras)
        extras = {name: value for name, value in given.items() if name not in TOP_LEVEL}
        head: dict[str, Any] = {
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": event.created,
            "model": event.model,
        }
        head |= {name: value for name, value in extras.items() if name in _STEADY}
        self._head = b"data: " + orjson.dumps(head)[:-1] + b',"choices":['
        once = _object_inside({name: value for name, value in extras.items() if name not in _STEADY})
        opening = self._frame(b'{"role":"assistant","content":""}', toolgate=toolgate, beside=once)
        waiting, self._waiting = self._waiting, []
        return opening + b"".join(self.progress(fields) for fields in waiting)

    def _delta(self, event: StreamEvent) -> bytes:
        match event:
            case TextDelta():
                return b'{"content":%b}' % orjson.dumps(event.text) if event.text else b""
            case ToolCallDelta():
                return self._arguments(event)
            case ReasoningDelta():
                name = event.field if event.field in REASONING_FIELDS else REASONING_FIELDS[0]
                return orjson.dumps({name: event.text}) if event.text else b""
            case RefusalDelta():
                return orjson.dumps({"refusal": event.text})
            case ToolCallStarted():
                return self._call(event)
            case UnknownDelta() if event.dialect == NAME:
                return orjson.dumps(event.raw)
            case _:
                return b""

    def _call(self, event: ToolCallStarted) -> bytes:
        raw = own_fields(event.dialect, event.raw)
        call: dict[str, Any] = {**raw, "index": event.index, "id": event.id}
        if raw.get("type") == "custom":
            self._customs.add(event.index)
            call["custom"] = {"name": event.name, "input": ""}
        else:
            call["type"] = "function"
            call["function"] = {**raw.get("function", {}), "name": event.name, "arguments": ""}
        return orjson.dumps({"tool_calls": [call]})

    def _arguments(self, event: ToolCallDelta) -> bytes:
        form = b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}'
        if event.index in self._customs:
            form = b'{"tool_calls":[{"index":%d,"custom":{"input":%b}}]}'
        return form % (event.index, orjson.dumps(event.arguments))

    def _finish(self, event: Finished, toolgate: Mapping[str, Any] | None) -> bytes:
        raw = own_fields(event.dialect, event.raw)
        word = write_finish(event.reason, raw.get("finish_reason"))
        about = _object_inside({name: value for name, value in raw.items() if name != "finish_reason"})
        return self._frame(b"{}", finish=orjson.dumps(word), about=about, toolgate=toolgate)

    def _usage(self, event: UsageReported, toolgate: Mapping[str, Any] | None) -> bytes:
        if not self._include_usage:
            return b""
        usage = orjson.dumps(own_fields(event.dialect, event.raw) or write_usage(event.usage))
        return b'%b],"usage":%b%b}\n\n' % (self._head, usage, _toolgate(toolgate))

    def _frame(
        self,
        delta: bytes,
        *,
        finish: bytes = b"null",
        about: bytes = b"",
        beside: bytes = b"",
        toolgate: Mapping[str, Any] | None = None,
    ) -> bytes:
        """One chunk with one choice; `about` are further fields of the choice, `beside` of the chunk."""
        return b'%b{"index":0,"delta":%b%b,"finish_reason":%b}]%b%b%b}\n\n' % (
            self._head,
            delta,
            about,
            finish,
            self._no_usage,
            beside,
            _toolgate(toolgate),
        )


def _object_inside(fields: Mapping[str, Any]) -> bytes:
    """The members of an object, with a comma before each, to be put into another one."""
    return b"," + orjson.dumps(fields)[1:-1] if fields else b""


def _toolgate(fields: Mapping[str, Any] | None) -> bytes:
    return b"" if fields is None else b',"toolgate":' + orjson.dumps(fields)
