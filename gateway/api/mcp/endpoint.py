"""`/mcp` and `/mcp/{server}`: MCP over streamable HTTP, for clients of both eras.

Above: `app` puts it at its paths. Below: `posts` and `listening`. Here is the frame: who may come in and how they
are counted, and how an exception is told. Written on ASGI by hand: for a call, the SDK's own server takes several
times as long as all the rest.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing

import anyio
from starlette.types import Receive, Scope, Send

from gateway.api.answer import Answer
from gateway.api.mcp.entry import PATH, authenticate, see, server_in
from gateway.api.mcp.faults import explain
from gateway.api.mcp.listening import CHANGES, Listener, Stream, Streams, look_again
from gateway.api.mcp.pages import for_pages, is_preflight, may_ask
from gateway.api.mcp.posts import SESSION_HEADER, Posts
from gateway.api.mcp.seen import Seen
from gateway.api.mcp.sessions import Session, Sessions
from gateway.api.mcp.surface import Surfaces
from gateway.api.mcp.visit import Visit, check_takes_events
from gateway.api.mcp.wire import encode_refusal, http_refusal
from gateway.api.requests import ClientLeft, Request
from gateway.api.responses import Response
from gateway.api.services import Admit, Services
from gateway.errors import Overloaded
from gateway.hub import protocol
from gateway.telemetry import Metrics

_CLIENT_LEFT = 499
"""For the metrics alone: nobody is there to be told."""
_ENDED = Response(200, b"")


class McpEndpoint:
    """Every request at `/mcp` and beneath it. One for all configurations: sessions outlive them."""

    def __init__(self, admit: Admit, observe: Admit, metrics: Metrics, sessions: Sessions | None = None) -> None:
        """`admit` counts what a gateway may have under way; streams, which go on for ever, `observe` lets in."""
        self._admit = admit
        self._observe = observe
        self._metrics = metrics
        self._sessions = Sessions() if sessions is None else sessions
        self._surfaces = Surfaces()
        self._streams = Streams()
        self._posts = Posts(self._sessions, self._listener_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.perf_counter()
        request = Request(scope, receive)
        answer = Answer(request, send)
        status = _CLIENT_LEFT
        try:
            await self._serve(request, answer)
            status = answer.status
        except ClientLeft:
            pass
        finally:
            route = PATH if server_in(scope["path"]) is None else f"{PATH}/{{server}}"
            self._metrics.request(route, status, time.perf_counter() - started)

    async def _serve(self, request: Request, answer: Answer) -> None:
        try:
            if request.scope["method"] == "POST":
                await self._take_post(request, answer)
            else:
                await self._take_other(request, answer)
        except ClientLeft:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary at which every exception becomes an answer
            refusal = explain(error, request)
            if not answer.has_begun:
                body = encode_refusal(refusal.request_id, refusal)
                await answer.whole(Response(refusal.status, body, headers=refusal.headers))

    async def _take_post(self, request: Request, answer: Answer) -> None:
        stream = await self._answer_post(request, answer)
        if stream is not None:
            with closing(stream.watching):
                await self._run(stream, request, answer)

    async def _answer_post(self, request: Request, answer: Answer) -> Stream | None:
        """Answer, or hand back what is to be run: of the configuration here, it holds nothing."""
        with ExitStack() as held:
            try:
                services = held.enter_context(self._admit())
            except Overloaded as full:
                return await self._take_aside(request, answer, full)
            return await self._posts.take(await self._let_in(request, answer, services))

    async def _take_aside(self, request: Request, answer: Answer, full: Overloaded) -> None:
        """What calls under way wait for is taken when nothing else is. Raises `full` for everything else."""
        with self._observe() as services:
            if not await self._posts.take_aside(await self._let_in(request, answer, services)):
                raise full

    async def _take_other(self, request: Request, answer: Answer) -> None:
        if is_preflight(request.scope["method"], request.headers):
            with self._observe() as services:
                _check_place(request, answer, services)
            await answer.whole(may_ask(request.headers))
            return
        session, stream = await self._find_session(request, answer)
        if stream is not None:
            await self._follow(session, stream, request, answer)
        else:
            self._sessions.end(session)
            await answer.whole(_ENDED)

    async def _find_session(self, request: Request, answer: Answer) -> tuple[Session, Stream | None]:
        """The session that is to be followed, with its stream, or to be ended. Raises Refusal."""
        method = request.scope["method"]
        with self._observe() as services:
            visit = await self._let_in(request, answer, services)
        is_modern = (
            request.headers.get(protocol.VERSION_HEADER, protocol.HANDSHAKE_VERSIONS[-1])
            not in protocol.HANDSHAKE_VERSIONS
        )
        if is_modern or method not in ("GET", "DELETE"):
            raise http_refusal(405, "Only POST is answered here", {"allow": "POST"})
        if method == "DELETE":
            return self._posts.find_session(visit), None
        check_takes_events(request.headers)
        await request.body()  # of which there is none; what comes after it is the client's leaving
        session = self._posts.find_session(visit)
        return session, Stream(self._listener_of(visit), frozenset(CHANGES), session.watching)

    async def _let_in(self, request: Request, answer: Answer, services: Services) -> Visit:
        _check_place(request, answer, services)
        principal = await authenticate(request, services)
        return Visit(request, answer, services, principal, see(request, services, principal, self._surfaces))

    async def _follow(self, session: Session, stream: Stream, request: Request, answer: Answer) -> None:
        """The stream of a session, which has one: another GET takes its place."""
        replaced = session.stream
        if replaced is not None:
            replaced.cancel()
        answer.headers[SESSION_HEADER] = session.id
        with anyio.CancelScope() as scope:
            session.stream = scope
            try:
                await self._run(stream, request, answer, replaces=replaced is not None)
            finally:
                if session.stream is scope:
                    session.stream = None
                    self._sessions.touch(session)
        if scope.cancelled_caught:
            await answer.write(b"", more=False)

    async def _run(self, stream: Stream, request: Request, answer: Answer, *, replaces: bool = False) -> None:
        with self._streams.one_more(stream.listener.key_id, replaces=replaces):
            await stream.run(request, answer)

    def _listener_of(self, visit: Visit) -> Listener:
        request, owner = visit.request, visit.principal.owner

        async def look_at(services: Services) -> Seen:
            principal = await authenticate(request, services)
            if principal.owner != owner:  # what is watched is the one's before, whose secret this was
                raise http_refusal(401, "The key is another one now")
            return Seen(services, principal, see(request, services, principal, self._surfaces))

        look = look_again(self._observe, look_at)
        return Listener(visit.principal.key_id, visit.heartbeat, look)


def _check_place(request: Request, answer: Answer, services: Services) -> None:
    """See where a request thinks that it is, and from which page it comes, which then may read the answer."""
    services.host_guard.check(request.headers)
    answer.headers |= for_pages(request.headers)
