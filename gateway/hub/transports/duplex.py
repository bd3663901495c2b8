"""A JSON-RPC peer over a connection on which messages go both ways, so that answers are told apart by their ids.

Above: what pipes, event streams and objects of this process have in common. Refuses to know: how messages travel.
"""

from __future__ import annotations

import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio

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
    request_id_of,
    result_of,
    with_progress_token,
)
from gateway.hub.meanwhile import SILENCE, Meanwhile
from gateway.hub.peer import JsonObject, NotificationListener, PeerClosed, PeerError, RequestFault
from gateway.hub.protocol import LOG_MESSAGE, MODERN_VERSION, SUBSCRIPTION_META_KEY

_log = logging.getLogger(__name__)

_MOST_TAKEN_BACK = 1000
"""Requests that are remembered until the server answers them; beyond that, it is not trusted to any more."""
_NEVER_ANSWERED = 0  # no request has this id
_NEVER_CANCELLED = frozenset({"initialize", "server/discover"})


class _Waiting:
    """A request without its answer yet."""

    __slots__ = ("_answered", "_outcome", "meanwhile")

    def __init__(self, meanwhile: Meanwhile) -> None:
        self.meanwhile = meanwhile
        self._answered = anyio.Event()
        self._outcome: JsonObject | PeerError | None = None

    def settle(self, outcome: JsonObject | PeerError) -> None:
        if not self._answered.is_set():
            self._outcome = outcome
            self._answered.set()

    async def answer(self) -> JsonObject:
        await self._answered.wait()
        if isinstance(self._outcome, PeerError):
            raise self._outcome
        assert self._outcome is not None  # noqa: S101 - settled before the event is set
        return self._outcome


class DuplexPeer(ABC):
    """See `gateway.hub.peer.Peer`. Whoever reads the connection hands each message to `receive`."""

    def __init__(self, listener: NotificationListener, *, has_one_owner: bool = False) -> None:
        """With `has_one_owner`, all that is asked over this connection is asked for the same one."""
        self._listener = listener
        self._has_one_owner = has_one_owner
        self._is_modern = False
        self._ids = itertools.count(1)
        self._last_id = 0
        self._taken_back: set[int] = set()  # requests whose log messages may still come
        self._last_before = 0  # the last id when one was taken back
        self._waiting: dict[int, _Waiting] = {}
        self._closed = anyio.Event()
        self._reason = ""

    @abstractmethod
    async def _send(self, message: bytes, authorizer: Authorizer | None) -> None:
        """Send a request or a notification. Raises PeerError."""

    @abstractmethod
    def _send_soon(self, message: bytes, *, is_answer: bool = False) -> None:
        """Send something that nobody waits for. Raises PeerError when it is known already that it cannot be."""

    @property
    def is_closed(self) -> bool:
        """Whether a request made now would not be sent."""
        return self._closed.is_set()

    def speak(self, version: str) -> None:
        """Nothing to send: the version stands in the messages alone."""
        self._is_modern = version == MODERN_VERSION

    def hears_logs(self) -> bool:
        """See `_caller_beyond_doubt`: it must be the only one."""
        if self._is_modern:
            return not any(waiting.meanwhile.on_log for waiting in self._waiting.values())
        return self._has_one_owner and not self._waiting

    def _caller_beyond_doubt(self) -> _Waiting | None:
        """Whose a log message is that comes now: here, nothing in it says so.

        A modern server logs for those who asked for it alone, an older one for anybody: then nobody else may have
        anything to do with it. A request that was taken back may be heard of until it was answered all the same,
        for not every server stops; among requests of one owner, until one was answered that came after that.
        """
        if self._taken_back or not (self._is_modern or self._has_one_owner):
            return None
        waiting = self._waiting.values()
        heard = [one for one in waiting if one.meanwhile.on_log] if self._is_modern else list(waiting)
        return heard[0] if len(heard) == 1 else None

    async def follow(self, on_open: Callable[[], None]) -> None:  # noqa: B027 - a default, not a duty
        """Nothing to do: notifications arrive unasked."""

    def diagnostics(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    async def wait_closed(self) -> str:
        """Wait until the peer is gone; why."""
        await self._closed.wait()
        return self._reason

    def close(self, reason: str) -> None:
        """Fail every waiting request with PeerClosed."""
        if self._closed.is_set():
            return
        self._reason = reason
        self._closed.set()
        for waiting in self._waiting.values():
            waiting.settle(PeerClosed(reason))

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
        self._check_open()
        request_id = self._last_id = next(self._ids)
        if meanwhile.on_progress is not None:
            params = with_progress_token(params, request_id)
        message = encode_request(request_id, method, params)
        waiting = self._waiting[request_id] = _Waiting(meanwhile)
        try:
            await self._send(message, authorizer)
            return await waiting.answer()
        except anyio.get_cancelled_exc_class():
            self._doubt(request_id, meanwhile)
            if method not in _NEVER_CANCELLED:
                with suppress(PeerError):  # a server that cannot be told stays untold
                    self._send_soon(encode_cancellation(request_id))
            raise
        finally:
            del self._waiting[request_id]

    def _doubt(self, request_id: int, meanwhile: Meanwhile) -> None:
        """A request was taken back, which the server may be logging for."""
        if meanwhile.on_log is None and self._is_modern:
            return
        self._last_before = self._last_id
        self._taken_back.add(request_id if len(self._taken_back) < _MOST_TAKEN_BACK else _NEVER_ANSWERED)

    def _believe(self, answered: int | None) -> None:
        """The server has answered: it may have nothing more to log for what was taken back."""
        if not self._taken_back or answered is None or answered == _NEVER_ANSWERED:
            return
        self._taken_back.discard(answered)
        if self._has_one_owner and answered > self._last_before:
            self._taken_back.clear()

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification. Raises PeerError."""
        self._check_open()
        await self._send(encode_notification(method, params), None)

    def _check_open(self) -> None:
        if self._closed.is_set():
            raise PeerClosed(self._reason)

    def receive(self, message: dict[str, Any]) -> None:
        """A message from the server."""
        if is_response(message):
            answered = request_id_of(message)
            self._believe(answered)
            self.settle(answered, _outcome_of(message))
        elif "id" in message:
            self._answer(message)
        elif isinstance(method := message.get("method"), str):
            self._receive_notification(method, object_in(message, "params"))

    def _answer(self, message: JsonObject) -> None:
        try:
            self._send_soon(answer_server_request(message), is_answer=True)
        except PeerError as problem:
            _log.debug("a server's request stays unanswered: %s", problem)

    def _receive_notification(self, method: str, params: JsonObject) -> None:
        if method == "notifications/progress":
            waiting = self._find(params.get("progressToken"))
            report_progress(waiting.meanwhile.on_progress if waiting else None, params)
        elif method == "notifications/cancelled":
            self.settle(params.get("requestId"), RequestFault("the server gave the request up"))
        elif not self._is_taken(method, params):
            self._listener(method, params)

    def _is_taken(self, method: str, params: JsonObject) -> bool:
        """Whether it belongs to a request and was for whoever made that one."""
        if method == LOG_MESSAGE:
            waiting = self._caller_beyond_doubt()
        else:
            waiting = self._find(request_id_of({"id": object_in(params, "_meta").get(SUBSCRIPTION_META_KEY)}))
        return waiting is not None and is_taken(waiting.meanwhile, method, params)

    def settle(self, request_id: object, outcome: JsonObject | PeerError) -> None:
        """End a request, if it is waiting."""
        if waiting := self._find(request_id):
            waiting.settle(outcome)

    def _find(self, request_id: object) -> _Waiting | None:
        if isinstance(request_id, bool) or not isinstance(request_id, int):  # true would be 1
            return None
        return self._waiting.get(request_id)


def _outcome_of(response: JsonObject) -> JsonObject | PeerError:
    try:
        return result_of(response)
    except PeerError as problem:
        return problem
