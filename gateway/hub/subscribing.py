"""How a server is subscribed to in each era: resource by resource, or with one stream for all of them.

Above: `gateway.hub.watches` says what is wanted. Below: a `Session`. Refuses to know: who wants it, and why.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import object_in
from gateway.hub.meanwhile import Meanwhile
from gateway.hub.peer import JsonObject, PeerError, RequestFault, RpcError
from gateway.hub.protocol import ACKNOWLEDGED, INVALID_PARAMS, RESOURCE_UPDATED
from gateway.hub.requests import Request
from gateway.hub.session import Session

_PATIENCE = 10.0  # seconds for a server to take a subscription
_AT_ONCE = 16  # subscriptions that a server is asked for at the same time
_LISTEN_AGAIN = 1.0  # seconds after a stream ended before there is another
_TRY_AGAIN = 5.0  # seconds after a subscription failed for reasons that may pass
_NOT_TOLD = RpcError(INVALID_PARAMS, "it does not tell of changes to this resource")

Settle = Callable[[str, PeerError | None], None]
"""Told what became of the subscription to a URI: that it is there, or why it is not."""


class Subscriptions(ABC):
    """What one session is subscribed to.

    URIs that the server refused are not asked for again before they are forgiven; those that were merely lost are,
    after a while.
    """

    def __init__(self, session: Session, authorizer: Authorizer | None) -> None:
        self._session = session
        self._authorizer = authorizer
        self._refused: frozenset[str] = frozenset()
        self._has_lost = False

    @abstractmethod
    async def bring(self, wanted: frozenset[str], settle: Settle) -> None:
        """Subscribe to what is wanted and not subscribed to yet, and to nothing else any more."""

    @property
    @abstractmethod
    def there(self) -> frozenset[str]:
        """What it is subscribed to."""

    async def stirred(self, changed: anyio.Event) -> None:
        """Wait until `bring` has something to do: what is wanted has changed, or something was lost."""
        with anyio.move_on_after(_TRY_AGAIN if self._has_lost else math.inf):
            await changed.wait()
        self._has_lost = False

    def forgive(self, uris: Iterable[str]) -> None:
        """Ask for these even if they were refused."""
        self._refused -= frozenset(uris)

    def _fail(self, uri: str, problem: PeerError, settle: Settle) -> None:
        if isinstance(problem, RpcError):
            self._refused |= {uri}
        else:
            self._has_lost = True
        settle(uri, problem)

    def _request(self, method: str, params: JsonObject, meanwhile: Meanwhile) -> Awaitable[JsonObject]:
        request = Request(method, params, math.inf, authorizer=self._authorizer, meanwhile=meanwhile)
        return self._session.request(request)


def subscriptions_of(
    session: Session, tasks: TaskGroup, authorizer: Authorizer | None, on_update: Callable[[JsonObject], None]
) -> Subscriptions:
    """Those of a new session. `tasks` owns what has to run for them; `on_update` is told where the era says so."""
    if session.era == "legacy":
        return _EachByItself(session, authorizer)
    return _OneStream(session, authorizer, tasks, on_update)


class _EachByItself(Subscriptions):
    """Before 2026-07-28: `resources/subscribe`. Updates come to the connection."""

    def __init__(self, session: Session, authorizer: Authorizer | None) -> None:
        super().__init__(session, authorizer)
        self._there: set[str] = set()

    @property
    def there(self) -> frozenset[str]:
        """See the class above."""
        return frozenset(self._there)

    async def bring(self, wanted: frozenset[str], settle: Settle) -> None:
        """See the class above."""
        self._refused &= wanted
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        async with anyio.create_task_group() as tasks:
            for uri in sorted(wanted - self._there - self._refused):
                tasks.start_soon(self._subscribe, uri, settle, limiter)
        for uri in sorted(self._there - wanted):
            self._there.discard(uri)
            await self._ask("resources/unsubscribe", uri)

    async def _subscribe(self, uri: str, settle: Settle, limiter: anyio.CapacityLimiter) -> None:
        async with limiter:
            problem = await self._ask("resources/subscribe", uri)
        if problem is None:
            self._there.add(uri)
            settle(uri, None)
        else:
            self._fail(uri, problem, settle)

    async def _ask(self, method: str, uri: str) -> PeerError | None:
        try:
            with anyio.fail_after(_PATIENCE):
                await self._request(method, {"uri": uri}, Meanwhile())
        except PeerError as problem:
            return problem
        except TimeoutError:
            return _silent()
        return None


def _silent() -> PeerError:
    return RequestFault(f"it did not take a subscription within {_PATIENCE:g} s")


class _Stream:
    """One `subscriptions/listen`: `uris` were asked for, `honoured` of them the server tells of."""

    def __init__(self, uris: frozenset[str]) -> None:
        self.uris = uris
        self.honoured: frozenset[str] = frozenset()
        self.problem: PeerError | None = None
        self.scope = anyio.CancelScope()
        self.answered = anyio.Event()
        """Set once it was acknowledged, or has ended without that."""
        self.ended = anyio.Event()

    def acknowledge(self, params: JsonObject) -> None:
        """The params of the acknowledgement."""
        told: Any = object_in(params, "notifications").get("resourceSubscriptions")
        named: list[Any] = cast("list[Any]", told) if isinstance(told, list) else []
        self.honoured = self.uris & frozenset(uri for uri in named if isinstance(uri, str))
        self.answered.set()


class _OneStream(Subscriptions):
    """2026-07-28: `subscriptions/listen` names all URIs, so another set of them is another stream.

    The next one is there before the one that it replaces ends, and what it brings on top may be refused without
    loss of what there is.
    """

    def __init__(
        self,
        session: Session,
        authorizer: Authorizer | None,
        tasks: TaskGroup,
        on_update: Callable[[JsonObject], None],
    ) -> None:
        super().__init__(session, authorizer)
        self._tasks = tasks
        self._on_update = on_update
        self._stream: _Stream | None = None

    async def bring(self, wanted: frozenset[str], settle: Settle) -> None:
        """See the class above."""
        self._refused &= wanted
        if self._stream is not None and self._stream.ended.is_set():
            self._stream = None
        fresh = wanted - self.there - self._refused
        if not await self._cover(wanted - self._refused, fresh, settle):
            for uri in sorted(fresh):  # so that one costs no other
                await self._cover((self.there & wanted) | {uri}, frozenset({uri}), settle)

    @property
    def there(self) -> frozenset[str]:
        """See the class above."""
        stream = self._stream
        return frozenset() if stream is None or stream.ended.is_set() else stream.honoured

    async def _cover(self, uris: frozenset[str], fresh: frozenset[str], settle: Settle) -> bool:
        """Listen for these, of which some are new; False when they were refused together."""
        if uris == self.there:
            return True
        stream = await self._open(uris) if uris else None
        if stream is not None and (problem := stream.problem):
            if len(fresh) > 1 and isinstance(problem, RpcError):
                return False
            for uri in fresh:
                self._fail(uri, problem, settle)
            return True
        if self._stream is not None:
            self._stream.scope.cancel()
        self._stream = stream
        for uri in fresh:
            if uri in self.there:
                settle(uri, None)
            else:
                self._fail(uri, _NOT_TOLD, settle)
        return True

    async def _open(self, uris: frozenset[str]) -> _Stream:
        stream = _Stream(uris)
        self._tasks.start_soon(self._listen, stream)
        with anyio.move_on_after(_PATIENCE) as waiting:
            await stream.answered.wait()
        if waiting.cancelled_caught:
            stream.problem = _silent()
            stream.scope.cancel()
        return stream

    async def _listen(self, stream: _Stream) -> None:
        def take(method: str, params: Mapping[str, Any]) -> bool:
            if method == ACKNOWLEDGED:
                stream.acknowledge(params)
            elif method == RESOURCE_UPDATED:
                self._on_update(params)
            return method in (ACKNOWLEDGED, RESOURCE_UPDATED)

        params = {"notifications": {"resourceSubscriptions": sorted(stream.uris)}}
        try:
            with stream.scope:
                await self._request("subscriptions/listen", params, Meanwhile(on_notification=take))
                raise RequestFault("it ended the subscription")
        except PeerError as problem:
            stream.problem = problem
        finally:
            stream.answered.set()
            stream.ended.set()

    async def stirred(self, changed: anyio.Event) -> None:
        """See the class above."""
        async with anyio.create_task_group() as tasks:

            async def until_changed() -> None:
                await super(_OneStream, self).stirred(changed)
                tasks.cancel_scope.cancel()

            async def until_lost(stream: _Stream) -> None:
                await stream.ended.wait()
                await anyio.sleep(_LISTEN_AGAIN)
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_changed)
            if self._stream is not None and self._stream.honoured - self._refused:
                tasks.start_soon(until_lost, self._stream)
