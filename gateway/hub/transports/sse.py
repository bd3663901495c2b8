"""A JSON-RPC peer over HTTP+SSE, the transport before streamable HTTP (MCP 2024-11-05, "Transports").

Above: `gateway.hub.session`. Below: aiohttp. Refuses to know: reconnecting; that is the supervisor's.

One stream of events brings everything that the server says. Its first event names the URL that messages are posted
to, which must be at the same origin: credentials go there.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urljoin

import anyio
from anyio.abc import TaskGroup
from yarl import URL

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.peer import NotificationListener, PeerError, RequestFault, SessionLost
from gateway.hub.transports.duplex import DuplexPeer
from gateway.hub.transports.http_answers import EVENT_STREAM, EventStream, discard, faults_mapped, read_refusal
from gateway.hub.transports.http_sending import HttpSender, check_headers, open_client
from gateway.hub.transports.under_way import UnderWay

_log = logging.getLogger(__name__)

_LONGEST_ENDPOINT = 8192  # characters
_SIDE_MESSAGE_TIMEOUT = 5.0  # seconds for a message that nobody waits for
_MOST_SIDE_MESSAGES = 256  # under way at once; a server that asks for more is not answered


@asynccontextmanager
async def open_sse_peer(
    url: str,
    headers: Mapping[str, str],
    listener: NotificationListener,
    authorizer: Authorizer | None = None,
) -> AsyncGenerator[SsePeer]:
    """A peer whose stream of events is at `url`, open and ready for requests. Raises PeerError."""
    check_headers(headers)
    sent = {**headers, "Accept": EVENT_STREAM, "Accept-Encoding": "identity"}
    async with open_client() as client:
        with faults_mapped():
            getting = HttpSender(client, url, authorizer).get(sent)
            response = await getting.__aenter__()
        try:
            stream = EventStream(response)
            endpoint = await _await_endpoint(stream, url)
            async with anyio.create_task_group() as tasks:
                peer = SsePeer(HttpSender(client, endpoint, authorizer), headers, tasks, listener)
                tasks.start_soon(peer.read, stream)
                try:
                    yield peer
                finally:
                    peer.close("the gateway closed the connection")
                    tasks.cancel_scope.cancel()
        finally:
            response.close()
            await getting.__aexit__(None, None, None)


async def _await_endpoint(stream: EventStream, url: str) -> str:
    """The URL for messages. Raises PeerError."""
    if stream.response.status != 200 or stream.response.content_type != EVENT_STREAM:
        raise _no_stream(await read_refusal(stream.response, None))
    with faults_mapped():
        async with aclosing(stream.events()) as events:
            async for event in events:
                if event.kind == "endpoint":
                    return _same_origin(url, event.data.decode("utf-8", "replace").strip())
    raise RequestFault("its event stream ended before it had said where messages go")


def _no_stream(refusal: PeerError) -> PeerError:
    return RequestFault(f"it gives no event stream of the old HTTP+SSE transport: {refusal.message}")


def _same_origin(url: str, endpoint: str) -> str:
    try:
        target = urljoin(url, endpoint[:_LONGEST_ENDPOINT])
        if endpoint and URL(target).origin() == URL(url).origin():
            return target
    except ValueError:
        pass
    raise RequestFault("it wants messages sent to another origin than its own, which is not done")


class SsePeer(DuplexPeer):
    """Made by `open_sse_peer`."""

    def __init__(
        self,
        sender: HttpSender,
        headers: Mapping[str, str],
        tasks: TaskGroup,
        listener: NotificationListener,
    ) -> None:
        super().__init__(listener)
        self._sender = sender
        self._headers = {**headers, "Accept-Encoding": "identity", "Content-Type": "application/json"}
        self._tasks = tasks
        self._side_messages = 0
        self._posts = UnderWay()

    def close(self, reason: str) -> None:
        """Fail every request, also those that the server has not taken yet: the client goes with the stream."""
        super().close(reason)
        self._posts.give_up(reason)

    async def read(self, stream: EventStream) -> None:
        """Settle requests from what the server says, until it says no more."""
        reason = "it ended its event stream"
        try:
            with faults_mapped():
                async for message in stream.messages():
                    self.receive(message)
        except PeerError as problem:
            reason = problem.message
        self.close(reason)

    async def _send(self, message: bytes, authorizer: Authorizer | None) -> None:
        with self._posts.one(), faults_mapped():
            async with self._sender.post(message, self._headers, authorizer) as response:
                if response.status < 400:
                    await discard(response)
                    return
                refusal = await read_refusal(response, None)
        raise self._judge(refusal)  # which may give up all posts, and this is none any more

    def _judge(self, refusal: PeerError) -> PeerError:
        """What a refused message means: a lost session ends this peer."""
        if isinstance(refusal, SessionLost):
            self.close(refusal.message)
        return refusal

    def _send_soon(self, message: bytes, *, is_answer: bool = False) -> None:
        self._check_open()
        if self._side_messages < _MOST_SIDE_MESSAGES:
            self._side_messages += 1
            self._tasks.start_soon(self._send_quietly, message)

    async def _send_quietly(self, message: bytes) -> None:
        try:
            with anyio.move_on_after(_SIDE_MESSAGE_TIMEOUT):
                await self._send(message, None)
        except PeerError as problem:
            _log.debug("a message to a server was not delivered: %s", problem)
        finally:
            self._side_messages -= 1
