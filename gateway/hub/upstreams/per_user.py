"""A server whose users have credentials of their own: one list of tools for all, and calls that are each user's.

Above: `gateway.hub.upstreams.making`. Below: a connection for everybody, and credentials. In the modern era calls
of all users share that connection, each with its user's token; before that, each user has a session of their own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from gateway.auth import User
from gateway.errors import ToolServerDown
from gateway.hub.catalogue import Listing
from gateway.hub.connection import Connection
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.credentials.user_authorizers import AnyUserAuthorizer
from gateway.hub.credentials.users import UserTokens
from gateway.hub.failures import to_tool_server_error
from gateway.hub.peer import JsonObject, PeerError
from gateway.hub.requests import Request
from gateway.hub.session import Era
from gateway.hub.specs import HubSettings
from gateway.hub.status import ServerState, ServerStatus
from gateway.hub.upstreams.instances import Instances, watch_instance
from gateway.hub.upstreams.shared import SharedUpstream
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener


class PerUserUpstream:
    """See `gateway.hub.upstreams.Upstream`. `connect` makes a connection with the credentials of one user."""

    def __init__(
        self,
        name: str,
        shared: SharedUpstream,
        lister: AnyUserAuthorizer,
        credentials: Credentials,
        users: UserTokens,
        connect: Callable[[Authorizer], Connection],
        tasks: TaskGroup,
        settings: HubSettings,
    ) -> None:
        self._name = name
        self._shared = shared
        self._lister = lister
        self._credentials = credentials
        self._users = users
        self._patience = settings.relist_every
        self._is_waiting = False
        self._has_waited = anyio.Event()
        self._joining: dict[str, Authorizer] = {}
        self._instances = Instances(
            name,
            lambda subject: connect(self._joining[subject]),
            tasks,
            most=settings.instances_per_server,
            idle=settings.instance_idle,
        )

    @property
    def listing(self) -> Listing:
        """The tools, as they were last listed by anybody's credentials."""
        return self._shared.listing

    async def run(self) -> None:
        """Keep the connection; while nobody's credentials will do, wait until somebody connects."""
        while True:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._shared.run)
                await self._until_given_up()
                tasks.cancel_scope.cancel()
            self._is_waiting = True
            self._has_waited.set()
            await self._somebody_new()
            self._is_waiting = False

    async def _until_given_up(self) -> None:
        """While there is a connection, only its lists wait for somebody: users' own calls go on over it."""
        while True:
            await self._lister.is_alone.wait()
            self._lister.is_alone = anyio.Event()
            if self._shared.state != "ready":
                return
            await self._somebody_new()
            self._shared.relist()

    async def _somebody_new(self) -> None:
        with anyio.move_on_after(self._patience):  # somebody may connect through another gateway
            await self._users.wait_beyond(self._lister.arrivals)

    async def settled(self) -> None:
        """Wait for the end of the first attempt, or until it is known that somebody has to connect first."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until_listed, tasks.cancel_scope)
            await self._has_waited.wait()
            tasks.cancel_scope.cancel()

    async def _until_listed(self, scope: anyio.CancelScope) -> None:
        await self._shared.settled()
        scope.cancel()

    @property
    def state(self) -> ServerState:
        """That of the connection that lists the tools; down while somebody has to connect first."""
        return "down" if self._is_waiting else self._shared.state

    def status(self) -> ServerStatus:
        """How the connection is doing that lists the tools."""
        status = replace(self._shared.status(), state=self.state, instances=len(self._instances))
        return replace(status, error=self._lister.why) if self._is_waiting else status

    def lacks_network(self, complaint: str) -> bool:
        """See `Connection.lacks_network`."""
        return self._shared.lacks_network(complaint)

    async def request(self, request: Request, *, owner: str, user: User | None) -> JsonObject:
        """A request with the credentials of whoever makes it. Raises ToolServerError."""
        subject, authorizer, era = await self._admitted(owner, user)
        request = replace(request, authorizer=authorizer)
        if era != "legacy":
            return await self._shared.request(request, owner=owner, user=user)
        async with self._alone(subject, authorizer):
            with self._instances.use(subject) as connection:
                return await connection.request(request)

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - as in `Connection.watch`
    ) -> Watch:
        """A watch with the credentials of whoever watches. Raises ToolServerError."""
        subject, authorizer, era = await self._admitted(owner, user)
        if era != "legacy":
            return await self._shared.watch_with(uri, listener, subject, authorizer, timeout)
        async with self._alone(subject, authorizer):
            return await watch_instance(self._instances, subject, uri, listener, timeout)

    async def _admitted(self, owner: str, user: User | None) -> tuple[str, Authorizer, Era | None]:
        """Whose credentials will do, the credentials, and the era of the server. Raises ToolServerError."""
        try:
            authorizer = self._credentials.authorizer(self._name, owner, user)
            subject = self._credentials.subject(self._name, owner, user)
            status = self.status()
            if status.state != "ready" or status.era == "legacy":
                await authorizer.headers()  # whoever has none is told so, and waits for nothing
        except PeerError as problem:
            raise to_tool_server_error(problem, server=self._name) from problem
        return subject, authorizer, status.era

    @asynccontextmanager
    async def _alone(self, subject: str, authorizer: Authorizer) -> AsyncGenerator[None]:
        """For what is done over the user's own session."""
        self._joining[subject] = authorizer
        try:
            yield
        except ToolServerDown:
            try:
                await authorizer.headers()
            except PeerError as problem:  # it is down for this user, who can mend that
                raise to_tool_server_error(problem, server=self._name) from problem
            raise
        finally:
            self._joining.pop(subject, None)
