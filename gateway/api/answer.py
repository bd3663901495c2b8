"""One HTTP answer on its way out: whole, or a stream that begins with its first bytes.

Above: handlers say what to send. Below: ASGI. It knows whether the answer has begun, which decides how a fault
can still be told: as an HTTP error before the first byte, as an event of the stream after it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.types import Send

from gateway.api.errors import SERVER_ERROR, ErrorAnswer, describe_error, error_response
from gateway.api.requests import Request
from gateway.api.responses import Response
from gateway.dialects import Dialect
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import ToolgateError

_log = logging.getLogger(__name__)

StreamFault = Callable[[ErrorAnswer], bytes]
"""The bytes that tell a client of a fault within a stream, in the stream's own dialect, its end included."""

_NEVER = math.inf
_EVENT_STREAM = "text/event-stream"


class Recorder(Protocol):
    """Keeps what a client is answered. `provider` is who gave the answer that passes, if it passes as it came."""

    provider: str

    async def passing(self, data: bytes, *, more: bool) -> None:
        """A piece of the body of an answer with status 200, before it is sent."""
        ...


class Answer:
    """The answer to one request. `headers` (names in lower case) are added to whatever is sent, and `recorder` is
    told of it.
    """

    __slots__ = (
        "_dialect",
        "_request",
        "_send",
        "_sending_since",
        "_stream_fault",
        "has_ended",
        "headers",
        "recorder",
        "status",
    )

    def __init__(self, request: Request, send: Send, dialect: Dialect = OPENAI_CHAT) -> None:
        """`dialect` is that in which the client wants to be told of errors."""
        self._dialect = dialect
        self._request = request
        self._send = send
        self._stream_fault: StreamFault | None = None
        self.headers: dict[str, str] = {}
        self.recorder: Recorder | None = None
        self.status = 0
        """The HTTP status that was sent; 0 while nothing has been."""
        self.has_ended = False
        self._sending_since = _NEVER

    @property
    def has_begun(self) -> bool:
        """Whether the head has left: from then on the status cannot change any more."""
        return self.status != 0

    async def whole(self, response: Response) -> None:
        """Send an answer whole."""
        headers = {**response.headers, "content-length": str(len(response.body))}
        await self.begin(response.status, {"content-type": response.content_type, **headers})
        await self.write(response.body, more=False)

    async def begin(self, status: int, headers: dict[str, str]) -> None:
        """Send the head. Every answer carries the ids of its request and its run."""
        self.status = status
        named = {**headers, **self.headers, **self._request.ids}
        if (also := self._dialect.traits.request_id_header) and also not in named:
            named[also] = self._request.request_id
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def begin_events(self, stream_fault: StreamFault, headers: Mapping[str, str] | None = None) -> None:
        """Send the head of an event stream, with `headers` besides."""
        self._stream_fault = stream_fault
        kind = self._dialect.traits.stream_type
        declared = f"{kind}; charset=utf-8" if kind == _EVENT_STREAM else kind
        await self.begin(200, {**(headers or {}), "content-type": declared, "cache-control": "no-cache"})

    async def write(self, data: bytes, *, more: bool = True) -> None:
        """Send a piece of the body; waits while the client reads more slowly than we write."""
        if self.recorder is not None and self.status == 200:
            await self.recorder.passing(data, more=more)
        self.has_ended = not more
        self._sending_since = time.monotonic()
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        self._sending_since = _NEVER

    def is_stuck(self, seconds: float) -> bool:
        """Whether the client has taken nothing for so long although something waits for it."""
        return time.monotonic() - self._sending_since > seconds

    async def fail(self, error: Exception) -> ErrorAnswer:
        """Tell the client of an exception in the way that is still open; returns what it was told."""
        told = describe_error(error, request_id=self._request.request_id)
        if told.kind == SERVER_ERROR:
            foreseen = isinstance(error, ToolgateError)
            cause = error if foreseen else type(error).__name__
            _log.error(
                "request %s failed: %s", self._request.request_id, cause, exc_info=None if foreseen else error
            )
        if not self.has_begun:
            await self.whole(error_response(told, self._dialect, request_id=self._request.request_id))
        elif not self.has_ended and self._stream_fault is not None:
            await self.write(self._stream_fault(told), more=False)
        return told
