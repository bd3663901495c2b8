"""The resources of one server that somebody watches: subscribed to there once, however many watch them here.

Above: `gateway.hub.watching` has one of these for each set of credentials of a connection. Below:
`gateway.hub.subscribing`, which knows how each era subscribes. Refuses to know: who watches, and what they see.

What is watched outlives sessions. When one has ended, what changed until the next was told to nobody: so once a
resource is subscribed to again, it counts as changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import anyio

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.peer import JsonObject, PeerError, RequestFault, RpcError
from gateway.hub.session import Session
from gateway.hub.subscribing import subscriptions_of

UpdateListener = Callable[[], None]
"""Told that a resource may have changed. Must be quick and must not raise."""

MOST_WATCHED = 4096
"""URIs of one server that are watched for one set of credentials."""
_TRY_AGAIN = 300.0  # seconds until what a server refused to tell of is asked for once more
_LONGEST_URI = 4096
"""Characters of a URI whose update is told. Clients can name no longer one, and each of its parts is looked up."""
_PARTS = ("/", "?", "#")
"""What comes after the URI of a resource in that of a part of it."""


@dataclass(slots=True, eq=False)
class _Watched:
    listeners: list[UpdateListener] = field(default_factory=list[UpdateListener])
    settled: anyio.Event = field(default_factory=anyio.Event)
    refusal: PeerError | None = None
    has_begun: bool = False

    def tell(self) -> None:
        for listener in tuple(self.listeners):
            listener()


class Watches:
    """See the module. `authorizer` gives the credentials, where the connection's own will not do."""

    def __init__(self, authorizer: Authorizer | None = None) -> None:
        self.is_kept = False
        """Whether a task runs `keep`, or is about to."""
        self._authorizer = authorizer
        self._watched: dict[str, _Watched] = {}
        self._changed = anyio.Event()  # replaced when it has been seen

    def __len__(self) -> int:
        """How many resources are watched."""
        return len(self._watched)

    async def add(self, uri: str, listener: UpdateListener) -> None:
        """Watch a resource, and wait until the server tells of it. Raises PeerError when it will not."""
        watched = self._watched.get(uri) or self._begin(uri)
        watched.listeners.append(listener)
        try:
            await watched.settled.wait()
            if watched.refusal is not None:
                raise watched.refusal
        except BaseException:
            self.remove(uri, listener)
            raise

    def _begin(self, uri: str) -> _Watched:
        if len(self._watched) >= MOST_WATCHED:
            raise RequestFault("too many of its resources are watched")
        watched = self._watched[uri] = _Watched()
        self._changed.set()
        return watched

    def remove(self, uri: str, listener: UpdateListener) -> None:
        """Watch no more; what nobody else watches is unsubscribed from."""
        watched = self._watched.get(uri)
        if watched is None or listener not in watched.listeners:
            return
        watched.listeners.remove(listener)
        if not watched.listeners:
            del self._watched[uri]
            self._changed.set()

    def note(self, params: JsonObject) -> None:
        """The params of `notifications/resources/updated`, which may be of a part of what is watched."""
        uri = params.get("uri")
        if isinstance(uri, str) and len(uri) <= _LONGEST_URI:
            for watched in self._meant(uri):
                watched.tell()

    def _meant(self, uri: str) -> Iterator[_Watched]:
        if exactly := self._watched.get(uri):
            yield exactly
        for position, character in enumerate(uri):
            if character in _PARTS and (whole := self._watched.get(uri[:position])):
                yield whole

    async def keep(self, session: Session) -> None:
        """Keep subscribed to what is watched, and to nothing else, until that is nothing."""
        async with anyio.create_task_group() as tasks:
            subscriptions = subscriptions_of(session, tasks, self._authorizer, self.note)
            while True:
                self._changed = anyio.Event()
                subscriptions.forgive(uri for uri, one in self._watched.items() if not one.settled.is_set())
                await subscriptions.bring(frozenset(self._watched), self._settle)
                self._take_over(subscriptions.there)
                if not self._watched and not subscriptions.there:
                    break
                with anyio.move_on_after(_TRY_AGAIN) as waiting:
                    await subscriptions.stirred(self._changed)
                if waiting.cancelled_caught:
                    subscriptions.forgive(self._watched)
            self.is_kept = False  # at once: whoever comes while this is ending begins anew
            tasks.cancel_scope.cancel()

    def _take_over(self, there: frozenset[str]) -> None:
        """Settle what was given up and wanted again before the server was told of either."""
        for uri, watched in self._watched.items():
            if uri in there and not watched.settled.is_set():
                self._settle(uri, None)

    def _settle(self, uri: str, refusal: PeerError | None) -> None:
        """What became of a subscription that there was not before in this session."""
        watched = self._watched.get(uri)
        if watched is None:
            return
        is_settled = refusal is None or isinstance(refusal, RpcError)
        if watched.has_begun and is_settled:
            watched.tell()
        watched.has_begun = watched.has_begun or refusal is None
        watched.refusal = None if watched.has_begun else refusal
        watched.settled.set()
