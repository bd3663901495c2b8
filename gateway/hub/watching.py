"""What is watched over one connection, apart for each set of credentials that something is watched with.

Above: `gateway.hub.connection` says when a session begins and what it hears. Below: `Watches`. Nothing runs here
while nobody watches anything.
"""

from __future__ import annotations

from anyio.abc import TaskGroup

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import object_in
from gateway.hub.peer import JsonObject, RequestFault
from gateway.hub.session import Session
from gateway.hub.watches import UpdateListener, Watches

EVERYBODY = ""
"""Whose the credentials are that a connection has itself."""


class Watching:
    """See the module."""

    def __init__(self) -> None:
        self._watches: dict[str, Watches] = {}
        self._served: tuple[Session, TaskGroup] | None = None

    def begin(self, session: Session, tasks: TaskGroup) -> None:
        """Subscribe over this session to what is watched. `tasks` ends with it, and then `end` is called."""
        self._served = session, tasks
        self._watches = {whose: watches for whose, watches in self._watches.items() if len(watches)}
        for whose, watches in self._watches.items():
            if not _tells_apart(session, whose):
                continue
            watches.is_kept = True
            tasks.start_soon(self._keep, whose, watches, session)

    def end(self) -> None:
        """There is no session any more, and nothing that kept what was subscribed to over it."""
        self._served = None
        for watches in self._watches.values():
            watches.is_kept = False

    def note(self, params: JsonObject) -> None:
        """A server without streams of their own for subscriptions says that a resource was updated."""
        if self._served is not None and self._served[0].era == "legacy" and EVERYBODY in self._watches:
            self._watches[EVERYBODY].note(params)

    async def add(
        self, session: Session, uri: str, listener: UpdateListener, whose: str, authorizer: Authorizer | None
    ) -> Watches:
        """Watch a resource. Raises PeerError."""
        if not object_in(session.capabilities, "resources").get("subscribe"):
            raise RequestFault("it tells nobody of changes to its resources")
        if not _tells_apart(session, whose):
            raise RequestFault("it is of an older version now, with a session for each of its users; try again")
        watches = self._watches.get(whose)
        if watches is None:
            watches = self._watches[whose] = Watches(authorizer)
        if self._served is not None and not watches.is_kept:
            watches.is_kept = True
            served, tasks = self._served
            tasks.start_soon(self._keep, whose, watches, served)
        await watches.add(uri, listener)
        return watches

    async def _keep(self, whose: str, watches: Watches, session: Session) -> None:
        await watches.keep(session)
        if not len(watches) and self._watches.get(whose) is watches:
            del self._watches[whose]


def _tells_apart(session: Session, whose: str) -> bool:
    """Whether updates over this session are told to those alone who watch with these credentials."""
    return session.era == "modern" or whose == EVERYBODY
