"""A stream for a client.

One item after the other, but for calls, which may come interleaved from other dialects: they end with the answer.
The last event repeats the whole of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from gateway.conversation import (
    Finished,
    FinishReason,
    ModelRequest,
    ResponseStarted,
    StreamEvent,
    UsageReported,
)
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_responses.broken_streams import fault_events
from gateway.dialects.openai_responses.calls import CallWriter
from gateway.dialects.openai_responses.echo import echo
from gateway.dialects.openai_responses.frames import Frames
from gateway.dialects.openai_responses.name import own_fields
from gateway.dialects.openai_responses.status import write_finish
from gateway.dialects.openai_responses.usage import write_usage
from gateway.dialects.openai_responses.written_output import WrittenOutput
from gateway.sse import HEARTBEAT


class ResponsesStreamWriter:
    """See `gateway.dialects.StreamWriter`. `request` is what the client asked."""

    __slots__ = ("_end", "_extras", "_frames", "_head", "_output", "_request", "_waiting")

    def __init__(self, request: ModelRequest | None = None) -> None:
        self._request = request
        self._frames = Frames()
        calls = CallWriter(() if request is None else request.tools)
        self._output = WrittenOutput(self._frames, calls, request)
        self._head: dict[str, Any] = {}
        self._extras: Mapping[str, Any] = {}
        self._end: tuple[Finished, Mapping[str, Any] | None] | None = None
        self._waiting: list[Mapping[str, Any]] = []

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event as frames, or as none. Raises ValueError before the answer has started."""
        if isinstance(event, ResponseStarted):
            return self._start(event)
        if not self._head:
            raise ValueError("a stream begins with ResponseStarted")
        if isinstance(event, Finished):
            self._end = (event, toolgate)
            return self._output.end(is_whole=event.reason is not FinishReason.LENGTH)
        if isinstance(event, UsageReported):
            return self._last(own_fields(event.dialect, event.raw) or write_usage(event.usage), toolgate)
        return self._output.write(event)

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """One more event that says that the answer is under way. Before it is, it waits."""
        if not self._head:
            self._waiting.append(fields)
            return b""
        return self._frames.make("response.in_progress", response=self._brief(), toolgate=fields)

    def heartbeat(self) -> bytes:
        """The same: some clients count events, and not comments, as signs of life."""
        if not self._head:
            return HEARTBEAT
        return self._frames.make("response.in_progress", response=self._brief())

    def error(self, fault: ToldFault) -> bytes:
        """The error event; and the end of an answer that has begun, which has failed."""
        return fault_events(self._frames, fault, self._response({}) if self._head else None)

    def done(self) -> bytes:
        """The end."""
        return self._last(None, None)

    def _start(self, event: ResponseStarted) -> bytes:
        self._extras = own_fields(event.dialect, event.extras)
        self._head = {
            "id": event.id,
            "object": "response",
            "created_at": event.created,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": event.model,
            "output": [],
            "usage": None,
        }
        response = self._response({})
        opening = self._frames.make("response.created", response=response)
        opening += self._frames.make("response.in_progress", response=response)
        waiting, self._waiting = self._waiting, []
        return opening + b"".join(self.progress(fields) for fields in waiting)

    def _response(self, ended: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, as far as it has come; `ended` is what the provider says of it at its end."""
        return {**echo(self._request, {**self._extras, **ended}), **self._head, "output": self._output.items()}

    def _brief(self) -> dict[str, Any]:
        """The answer without all that does not change."""
        return {**self._head, "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}

    def _last(self, usage: Mapping[str, Any] | None, toolgate: Mapping[str, Any] | None) -> bytes:
        """The whole answer, once."""
        if self._end is None:
            return b""
        (event, told), self._end = self._end, None
        raw = own_fields(event.dialect, event.raw)
        finish = write_finish(event.reason, raw)
        response = {**self._response({"completed_at": int(time.time()), **raw}), **finish, "usage": usage}
        if (toolgate := toolgate or told) is not None:
            response["toolgate"] = toolgate
        is_whole = finish["status"] == "completed"
        kind = "response.completed" if is_whole else "response.incomplete"
        return self._frames.make(kind, response=response)
