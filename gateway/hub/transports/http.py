"""A JSON-RPC peer behind a streamable HTTP endpoint (MCP 2025-03-26 to 2026-07-28, "Transports").

Above: `gateway.hub.session`. Below: aiohttp. Refuses to know: reconnecting; that is the supervisor's.

Every request is one POST of its own, answered with JSON or with an event stream, so that a fault of one never
touches another. To cancel one is to close its response in the modern era, and a notification before that.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anyio
from anyio.abc import TaskGroup
from mcp.shared.inbound import NAME_BEARING_METHODS, encode_header_value

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import (
    answer_server_request,
    encode_cancellation,
    encode_notification,
    encode_request,
    is_response,
    is_taken,
    object_in,
    report_progress,
    result_of,
    with_progress_token,
)
from gateway.hub.meanwhile import SILENCE, Meanwhile
from gateway.hub.peer import (
    ConnectionCut,
    JsonObject,
    NotificationListener,
    PeerClosed,
    PeerError,
    RequestFault,
    SessionLost,
)
from gateway.hub.protocol import METHOD_HEADER, MODERN_VERSION, NAME_HEADER, VERSION_HEADER
from gateway.hub.transports.http_answers import (
    EVENT_STREAM,
    EventStream,
    discard,
    faults_mapped,
    read_json_answer,
    read_refusal,
)
from gateway.hub.transports.http_sending import HttpSender, Sending, check_headers, open_client
from gateway.hub.transports.under_way import UnderWay
from gateway.sse import EventTooLarge

_log = logging.getLogger(__name__)

_SESSION_HEADER = "Mcp-Session-Id"
_SIDE_MESSAGE_TIMEOUT = 5.0  # seconds for a notification, or for our answer to a server's request
_FAREWELL_TIMEOUT = 1.0  # seconds for ending a session
_LONGEST_RETRY = 5.0  # seconds between attempts to take up a broken stream again
_MOST_RESUMPTIONS = 5  # attempts to take up the stream of one request again
_FOLLOW_RETRY = 1.0  # seconds before a notification stream that ended is opened again
_LONGEST_FOLLOW_RETRY = 60.0  # seconds between attempts at one that is refused for now
_PASSING = frozenset({429, 500, 502, 503, 504})  # statuses that may be others in a while


@asynccontextmanager
async def open_http_peer(
    url: str,
    headers: Mapping[str, str],
    listener: NotificationListener,
    authorizer: Authorizer | None = None,
) -> AsyncGenerator[HttpPeer]:
    """A peer at `url`. Nothing is sent before the first request; a session is ended on leaving.

    `authorizer` gives the credentials for what is sent on nobody else's behalf.

    Raises PeerError for headers that cannot be sent.
    """
    check_headers(headers)
    async with open_client() as client, anyio.create_task_group() as tasks:
        peer = HttpPeer(HttpSender(client, url, authorizer), tasks, headers, listener)
        try:
            yield peer
        finally:
            peer.close("the gateway closed the connection")
            tasks.cancel_scope.cancel()
            try:
                await peer.end_session()
            finally:
                peer.give_up()


class HttpPeer:
    """See `gateway.hub.peer.Peer`. Made by `open_http_peer`."""

    def __init__(
        self,
        sender: HttpSender,
        tasks: TaskGroup,
        headers: Mapping[str, str],
        listener: NotificationListener,
    ) -> None:
        self._sender = sender
        self._tasks = tasks
        self._headers = {
            **headers,
            "Accept": f"application/json, {EVENT_STREAM}",
            "Accept-Encoding": "identity",  # what we bound is then what we hold
            "Content-Type": "application/json",
        }
        self._listener = listener
        self._ids = itertools.count(1)
        self._version = ""
        self._session_id: str | None = None
        self._is_session_lost = False
        self._under_way = UnderWay()
        self._closed = anyio.Event()
        self._reason = ""

    @property
    def is_closed(self) -> bool:
        """Whether a request made now would not be sent."""
        return self._closed.is_set()

    def speak(self, version: str) -> None:
        """Send this version in the header of every later message; none when it is empty."""
        self._version = version

    def diagnostics(self) -> tuple[str, ...]:
        """Nothing: what a remote server writes for people stays with it."""
        return ()

    async def wait_closed(self) -> str:
        """Wait until the session is lost or `close` is called; why."""
        await self._closed.wait()
        return self._reason

    def close(self, reason: str) -> None:
        """Refuse further requests. Those under way have connections of their own and may still end well."""
        if not self._closed.is_set():
            self._reason = reason
            self._closed.set()

    def hears_logs(self) -> bool:
        """They come on the stream of their own request."""
        return True

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        meanwhile: Meanwhile = SILENCE,
        headers: Mapping[str, str] | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        """Send a request and wait for its result. Raises PeerError."""
        if self._closed.is_set():
            raise PeerClosed(self._reason)
        request_id = next(self._ids)
        if meanwhile.on_progress is not None:
            params = with_progress_token(params, request_id)
        body = encode_request(request_id, method, params)
        sent_headers = self._headers_for(method, params, headers)
        try:
            with self._under_way.one(), faults_mapped():
                return result_of(await self._exchange(request_id, body, sent_headers, meanwhile, authorizer))
        except anyio.get_cancelled_exc_class():
            self._take_back(request_id, method)
            raise

    def give_up(self) -> None:
        """Fail what is still under way: the client is about to go, and would leave it waiting for ever."""
        self._under_way.give_up(self._reason)

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification. Raises PeerError."""
        if self._closed.is_set():
            raise PeerClosed(self._reason)
        await self._post_side_message(encode_notification(method, params), self._headers_for(method, {}, None))

    def _headers_for(self, method: str, params: JsonObject, extra: Mapping[str, str] | None) -> dict[str, str]:
        """Our headers, and in the modern era those that mirror the message (2026-07-28, "Standard headers")."""
        headers = {**self._headers, **(extra or {})}
        if self._session_id is not None:
            headers[_SESSION_HEADER] = self._session_id
        if not self._version:
            return headers
        headers[VERSION_HEADER] = self._version
        if self._version == MODERN_VERSION:
            headers[METHOD_HEADER] = method
            name: Any = params.get(NAME_BEARING_METHODS.get(method, ""))
            if isinstance(name, str):
                headers[NAME_HEADER] = encode_header_value(name)
        return headers

    async def _exchange(
        self,
        request_id: int,
        body: bytes,
        headers: Mapping[str, str],
        meanwhile: Meanwhile,
        authorizer: Authorizer | None,
    ) -> JsonObject:
        async with self._sender.post(body, headers, authorizer) as response:
            if session_id := response.headers.get(_SESSION_HEADER):
                self._session_id = session_id
            if response.status >= 400:
                raise self._judge(await read_refusal(response, request_id))
            if response.content_type != EVENT_STREAM:
                return await read_json_answer(response, request_id)
            stream = EventStream(response)
            answer = await self._await_answer(stream, request_id, meanwhile)
        for _ in range(_MOST_RESUMPTIONS):
            if answer is not None or not stream.last_id or self._is_modern:
                break
            stream, answer = await self._resume(stream, request_id, meanwhile)
        if answer is None:
            raise ConnectionCut("the server ended its event stream without an answer")
        return answer

    @property
    def _is_modern(self) -> bool:
        return self._version == MODERN_VERSION

    def _judge(self, refusal: PeerError) -> PeerError:
        """What a refused request means: a lost session ends this peer."""
        if isinstance(refusal, SessionLost):
            if self._session_id is None:
                return RequestFault(refusal.message)
            self._is_session_lost = True
            self.close(refusal.message)
        return refusal

    async def _await_answer(self, stream: EventStream, request_id: int, meanwhile: Meanwhile) -> JsonObject | None:
        """The answer; None when the stream ended or broke without it, and can be taken up again."""
        try:
            return await stream.find_answer(request_id, lambda message: self._receive(message, meanwhile))
        except (aiohttp.ClientError, OSError):
            if self._is_modern or not stream.last_id:
                raise
            return None

    async def _resume(
        self, broken: EventStream, request_id: int, meanwhile: Meanwhile
    ) -> tuple[EventStream, JsonObject | None]:
        """Take up the stream of a request where it ended (2025-11-25, "Resumability and Redelivery")."""
        await anyio.sleep(min(broken.retry, _LONGEST_RETRY))
        if self._closed.is_set():
            raise ConnectionCut("the server ended its event stream without an answer")
        async with self._get(broken.last_id) as response:
            if response.status != 200 or response.content_type != EVENT_STREAM:
                raise ConnectionCut(f"the server ended its event stream; resuming it got HTTP {response.status}")
            stream = EventStream(response, broken.last_id)
            return stream, await self._await_answer(stream, request_id, meanwhile)

    def _receive(self, message: JsonObject, meanwhile: Meanwhile) -> None:
        """A request or notification from the server. An answer has no place here: it would be to nothing."""
        method = message.get("method")
        if is_response(message):
            return
        if "id" in message:
            if self._is_modern or self._closed.is_set():
                return  # servers of this era may not ask
            answer = answer_server_request(message)
            self._tasks.start_soon(self._post_quietly, answer, self._headers_for("", {}, None))
        elif method == "notifications/progress":
            report_progress(meanwhile.on_progress, object_in(message, "params"))
        elif isinstance(method, str) and not is_taken(meanwhile, method, params := object_in(message, "params")):
            self._listener(method, params)

    def _take_back(self, request_id: int, method: str) -> None:
        """Cancel a request of a session; in the modern era its closed response has said it already."""
        if not self._version or self._is_modern or self._closed.is_set() or method == "initialize":
            return
        headers = self._headers_for("notifications/cancelled", {}, None)
        self._tasks.start_soon(self._post_quietly, encode_cancellation(request_id), headers)

    async def follow(self, on_open: Callable[[], None]) -> None:
        """Read the session's stream of notifications (legacy era), opening it again whenever it ends."""
        last_id, pause = "", _FOLLOW_RETRY
        while not self._is_modern and self._session_id is not None:
            try:
                async with self._get(last_id) as response:
                    if response.status == 200 and response.content_type == EVENT_STREAM:
                        pause = _FOLLOW_RETRY
                        on_open()
                        stream = EventStream(response, last_id)
                        async for message in stream.messages():
                            self._receive(message, SILENCE)
                        last_id = stream.last_id
                    elif response.status not in _PASSING:
                        return  # the server has no such stream (405), or the session is gone
                    else:
                        pause = min(2 * pause, _LONGEST_FOLLOW_RETRY)
            except (aiohttp.ClientError, OSError, EventTooLarge, PeerError) as problem:
                _log.debug("a notification stream broke: %s", type(problem).__name__)
            await anyio.sleep(pause)

    async def end_session(self) -> None:
        """Tell the server that the session is over (legacy era).

        If it was the server who lost it, let the requests under way hear the same: they can be sent again then.
        """
        if self._is_session_lost:
            with anyio.move_on_after(_FAREWELL_TIMEOUT, shield=True):
                await self._under_way.wait_idle()
            return
        if self._session_id is None or self._is_modern:
            return
        with anyio.move_on_after(_FAREWELL_TIMEOUT, shield=True):
            try:
                headers = self._headers_for("", {}, None)
                async with self._sender.delete(headers):
                    pass
            except (aiohttp.ClientError, OSError, PeerError) as problem:
                _log.debug("a session could not be ended: %s", type(problem).__name__)

    async def _post_quietly(self, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            await self._post_side_message(body, headers)
        except PeerError as problem:
            _log.debug("a message to a server was not delivered: %s", problem)

    async def _post_side_message(self, body: bytes, headers: Mapping[str, str]) -> None:
        with anyio.move_on_after(_SIDE_MESSAGE_TIMEOUT) as deadline, faults_mapped():
            async with self._sender.post(body, headers) as response:
                if response.status >= 400:
                    raise self._judge(await read_refusal(response, None))
                await discard(response)
        if deadline.cancelled_caught:
            raise RequestFault(f"the server did not take a message within {_SIDE_MESSAGE_TIMEOUT:g} s")

    def _get(self, last_id: str) -> Sending:
        headers = self._headers_for("", {}, None) | {"Accept": EVENT_STREAM}
        if last_id:
            headers["Last-Event-ID"] = last_id
        return self._sender.get(headers)
