"""Reads what a streamable HTTP server answers to one request: JSON, an event stream, or a refusal."""

from __future__ import annotations

import os
import re
import ssl
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any
from urllib.parse import urljoin

import aiohttp
import anyio
import orjson
from yarl import URL

from gateway.hub.credentials.authorizer import Refusal
from gateway.hub.credentials.challenges import read_challenges
from gateway.hub.jsonrpc import LARGEST_MESSAGE, is_response, messages_in, read_error, request_id_of
from gateway.hub.peer import ConnectionCut, JsonObject, PeerError, RequestFault, SessionLost, Unreachable
from gateway.sse import EventTooLarge, ServerSentEvent, SseDecoder

EVENT_STREAM = "text/event-stream"

_LARGEST_REFUSAL = 64 * 1024  # bytes read of an error's body
_DEFAULT_RETRY = 1.0  # seconds, where an event stream does not say
_SESSION_WORDS = re.compile(r"session|initiali[sz]e", re.IGNORECASE)
_END_GRACE = 0.01  # seconds after the answer for the stream to end, so that its connection can be used again


@contextmanager
def faults_mapped() -> Generator[None]:
    """Turn aiohttp's and the socket's exceptions into PeerErrors, whose text holds neither URL nor headers."""
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise Unreachable("its URL is not valid") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise Unreachable(f"no connection could be made: {_cause_of(error)}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionCut(f"the connection broke before the answer was whole ({_cause_of(error)})") from error
    except EventTooLarge as error:
        raise RequestFault(str(error)) from error


def _cause_of(error: Exception) -> str:
    """The system's words for it; asyncio's own name the address, which is not for everybody."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return type(error).__name__
    cause = error.os_error
    number = None if isinstance(cause, ssl.SSLError) else cause.errno  # TLS has numbers of its own
    reason = os.strerror(number) if number and number > 0 else cause.strerror
    return reason or type(error).__name__


async def read_json_answer(response: aiohttp.ClientResponse, request_id: int) -> JsonObject:
    """The response to this request in a JSON body. Raises RequestFault when there is none."""
    body = await _read_bounded(response, LARGEST_MESSAGE)
    if body is None:
        raise RequestFault(f"the answer is larger than {LARGEST_MESSAGE} bytes")
    for message in _messages(body):
        if is_response(message) and request_id_of(message) == request_id:
            return message
    raise RequestFault(f"HTTP {response.status}: the body holds no answer to the request")


async def read_refusal(response: aiohttp.ClientResponse, request_id: int | None) -> PeerError:
    """What an HTTP error means: the JSON-RPC error for this request, a lost session, or a fault of this request.

    A session that a server has forgotten is a 404 by the specification, and in practice a 400 that speaks of
    sessions or of initialising; either that names our request is an answer to it.
    """
    body = await _read_bounded(response, _LARGEST_REFUSAL) or b""
    errors = [message for message in _messages(body) if "error" in message]
    for message in errors:
        if request_id is not None and request_id_of(message) == request_id:
            return read_error(message["error"])
    detail = f": {read_error(errors[0]['error']).message}" if errors else ""
    if response.status == 404 or (response.status == 400 and _SESSION_WORDS.search(detail)):
        return SessionLost(f"HTTP {response.status}{detail}")
    retry_after = response.headers.get("Retry-After", "")
    wait = f" (retry after {retry_after} s)" if retry_after.isdecimal() else ""
    return RequestFault(f"HTTP {response.status} {response.reason or ''}".rstrip() + wait + detail)


def credentials_refusal(response: aiohttp.ClientResponse, sent: Mapping[str, str]) -> Refusal | None:
    """Whether the server refused the credentials that were sent, or the lack of any (RFC 6750, section 3.1)."""
    if response.status not in (401, 403):
        return None
    challenge = read_challenges(response.headers.getall("WWW-Authenticate", ()))
    if response.status == 403 and challenge.error != "insufficient_scope":
        return None
    return Refusal(response.status, challenge, sent)


def redirect_target(url: str, response: aiohttp.ClientResponse) -> str:
    """Where a redirect goes that keeps method and origin, so that credentials stay where they belong.

    Raises RequestFault for any other.
    """
    with suppress(ValueError):  # of a Location that is no URL
        target = urljoin(url, response.headers.get("Location", ""))
        if response.status in (307, 308) and URL(target).origin() == URL(url).origin():
            return target
    raise RequestFault(f"HTTP {response.status}: the server redirects elsewhere, which is not followed")


async def discard(response: aiohttp.ClientResponse) -> None:
    """Read a small body to its end, so that its connection can be used again."""
    await _read_bounded(response, _LARGEST_REFUSAL)


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """The body; None when it is larger than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def _messages(body: bytes) -> list[dict[str, Any]]:
    try:
        return messages_in(orjson.loads(body))
    except orjson.JSONDecodeError:
        return []


class EventStream:
    """The JSON-RPC messages in one event stream; remembers where it was, for taking it up again.

    `last_id` is empty while no event had one. `retry` is the wait before a reconnect, in seconds.
    """

    def __init__(self, response: aiohttp.ClientResponse, last_id: str = "") -> None:
        self.response = response
        self._decoder = SseDecoder(LARGEST_MESSAGE)
        self._unread: deque[ServerSentEvent] = deque()
        self.last_id = last_id
        self.retry = _DEFAULT_RETRY

    async def events(self) -> AsyncGenerator[ServerSentEvent]:
        """Each event that nobody has read yet, until the stream ends. Raises what `faults_mapped` maps."""
        while True:
            while self._unread:
                event = self._unread.popleft()
                self.last_id = event.id or self.last_id
                self.retry = self.retry if event.retry is None else event.retry / 1000
                yield event
            chunk = await self.response.content.readany()
            if not chunk:
                return
            self._unread.extend(self._decoder.feed(chunk))

    async def messages(self) -> AsyncGenerator[dict[str, Any]]:
        """Each message, until the stream ends. Raises what `faults_mapped` maps."""
        async for event in self.events():
            if event.kind == "message" and event.data:
                for message in _messages(event.data.decode("utf-8", "replace").encode()):
                    yield message

    async def find_answer(self, request_id: int, on_other: Callable[[dict[str, Any]], None]) -> JsonObject | None:
        """The response to this request; None when the stream ends without. Other messages go to `on_other`."""
        async with aclosing(self.messages()) as messages:
            async for message in messages:
                if not is_response(message):
                    on_other(message)
                elif request_id_of(message) == request_id:
                    await self._finish()
                    return message
        return None

    async def _finish(self) -> None:
        """Give the stream a moment to end after its answer; what happens to it is of no matter any more."""
        with anyio.move_on_after(_END_GRACE), suppress(aiohttp.ClientError, OSError):
            await self.response.content.readany()
