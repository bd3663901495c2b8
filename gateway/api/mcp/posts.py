"""What is posted to `/mcp`: requests and notifications, of either era.

In the modern era each request stands for itself. Before it, `initialize` begins a session, and everything after
that belongs to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.mcp.abilities import read_abilities
from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.envelope import Client, check_repeated, check_version, is_modern, read_envelope
from gateway.api.mcp.exchange import Exchange
from gateway.api.mcp.faults import explain
from gateway.api.mcp.handshake import initialized, read_initialize
from gateway.api.mcp.listening import Listener, Stream, subscription
from gateway.api.mcp.methods import result_of
from gateway.api.mcp.sessions import Session, Sessions
from gateway.api.mcp.visit import Visit, check_forms, check_takes_events
from gateway.api.mcp.wire import (
    INVALID_REQUEST,
    REQUEST_CANCELLED,
    Message,
    Refusal,
    RequestId,
    encode_refusal,
    encode_result,
    http_refusal,
    read_body,
    read_message,
)
from gateway.api.responses import Response
from gateway.hub import protocol

SESSION_HEADER = "mcp-session-id"

_LARGEST_BODY = 4 * 1024 * 1024  # bytes
_ACCEPTED = Response(202, b"")


@dataclass(frozen=True, slots=True)
class Posts:
    """Takes what is posted. `listener_of` says who listens to a stream; the endpoint runs it, uncounted."""

    sessions: Sessions
    listener_of: Callable[[Visit], Listener]

    async def take(self, visit: Visit) -> Stream | None:
        """Answer one POST; a stream that is to be run is handed back. Raises Refusal."""
        request = visit.request
        check_forms(request.headers)
        request.body_limit = min(_LARGEST_BODY, visit.services.http_limits.body_bytes)
        message = read_message(read_body(await request.body()))
        try:
            if is_modern(request.headers, message):
                return await self._take_modern(visit, message)
            await self._take_of_session(visit, message)
        except Refusal as refusal:
            refusal.request_id = message.id
            raise
        return None

    async def take_aside(self, visit: Visit) -> bool:
        """Take what a session with calls under way says of these; False for all else. Raises Refusal.

        Nobody counts these messages, so they must be small.
        """
        session = self.find_session(visit) if SESSION_HEADER in visit.request.headers else None
        if session is None or not session.calls:
            return False
        check_forms(visit.request.headers)
        message = read_message(read_body(await visit.request.body()))
        if message.id is not None and message.method:
            return False
        await _take_note(visit, session, message)
        return True

    async def _take_modern(self, visit: Visit, message: Message) -> Stream | None:
        headers, raw = visit.request.headers, visit.request.scope["headers"]
        if len(headers) != len(raw):
            check_repeated(raw)
        if not message.method:
            raise Refusal(INVALID_REQUEST, "Invalid request: nothing was asked that this could answer")
        if message.id is None:
            check_version(headers.get(protocol.VERSION_HEADER))
            await visit.answer.whole(_ACCEPTED)
            return None
        client = read_envelope(message, headers)
        if message.method == "subscriptions/listen":
            check_takes_events(headers)
            watching = self.sessions.watchings.of(visit.principal.key_id)
            return subscription(self.listener_of(visit), watching, message.id, message.params)
        await _answer(visit, message, message.id, client, None)
        return None

    async def _take_of_session(self, visit: Visit, message: Message) -> None:
        if message.method == "initialize" and message.id is not None:
            await self._initialize(visit, message)
            return
        session = self.find_session(visit)
        if message.id is None or not message.method:
            await _take_note(visit, session, message)
        else:
            await _answer(visit, message, message.id, Client(), session)

    async def _initialize(self, visit: Visit, message: Message) -> None:
        version = read_initialize(message)
        abilities = read_abilities(message.params.get("capabilities"))
        session = self.sessions.begin(visit.principal.owner, visit.surface.server, version, abilities)
        self.sessions.keep_swept(visit.request.loop)
        visit.answer.headers[SESSION_HEADER] = session.id
        await visit.answer.whole(Response(200, encode_result(message.id, initialized(version, visit.surface))))

    def find_session(self, visit: Visit) -> Session:
        """The session that a request belongs to. Raises Refusal: with 404, its client begins another one."""
        session_id = visit.request.headers.get(SESSION_HEADER)
        if session_id is None:
            raise Refusal(INVALID_REQUEST, "Invalid request: the header Mcp-Session-Id is missing", status=400)
        session = self.sessions.find(session_id, visit.principal.owner, visit.surface.server)
        if session is None:
            raise http_refusal(404, "There is no such session")
        return session


async def _take_note(visit: Visit, session: Session, message: Message) -> None:
    """A message of a session's client that has no answer: an answer of its own, or a notification."""
    if message.answer is not None:
        session.questions.answer(message.id, message.answer)
    elif message.method == "notifications/cancelled":
        session.cancel(message.params.get("requestId"))
    await visit.answer.whole(_ACCEPTED)


async def _answer(
    visit: Visit, message: Message, request_id: RequestId, client: Client, session: Session | None
) -> None:
    """Do what is asked and answer, unless the client leaves before: then all of it is broken off."""
    exchange = Exchange(visit.request, visit.answer, heartbeat=visit.heartbeat, takes_events=visit.takes_events)
    asked = Asked(
        message.method,
        message.params,
        message.meta,
        visit.request,
        visit.services,
        visit.principal,
        visit.surface,
        client,
        session is None,
        exchange.notify,
        session,
        exchange.ask,
    )
    try:
        with CancelledWhenClientLeaves(visit.request, visit.answer):
            body, status = await _outcome(asked, request_id, session)
            await exchange.finish(body, status)
    finally:
        exchange.close()


async def _outcome(asked: Asked, request_id: RequestId, session: Session | None) -> tuple[bytes, int]:
    """The encoded answer and its HTTP status; in a session, an error is an answer like others."""
    try:
        result = await result_of(asked) if session is None else await _in_session(asked, request_id, session)
        return encode_result(request_id, result), 200
    except Exception as error:  # noqa: BLE001 - the boundary at which every exception becomes an answer
        refusal = explain(error, asked.request)
        return encode_refusal(request_id, refusal), refusal.status if session is None else 200


async def _in_session(asked: Asked, request_id: RequestId, session: Session) -> Result:
    with session.calling(request_id):
        return await result_of(asked)
    raise Refusal(REQUEST_CANCELLED, "Request cancelled")
