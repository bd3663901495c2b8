"""One supervised connection: opened, kept, opened again with back-off; requests go through it from any task.

Above: `gateway.hub.upstreams`. Below: a `Transport` and a `Session`. Refuses to know: other servers, owners.

`run` is the owner: the one task in which the transport is opened and closed. Whatever happens to the server
ends an attempt, never the task.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Sequence

import anyio
from anyio.abc import TaskGroup

from gateway.errors import ToolCallTimeout, ToolServerDown
from gateway.hub.backoff import Backoff
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.failures import NETWORK_HINT, Failure, describe_failure, to_tool_server_error
from gateway.hub.lister import Lister
from gateway.hub.negotiation import negotiate
from gateway.hub.peer import (
    ConnectionCut,
    JsonObject,
    Peer,
    PeerClosed,
    PeerError,
    SessionLost,
    Unreachable,
)
from gateway.hub.protocol import RESOURCE_UPDATED
from gateway.hub.requests import Request
from gateway.hub.results import read_log_message
from gateway.hub.session import Era, Session
from gateway.hub.specs import HubSettings
from gateway.hub.status import ServerState
from gateway.hub.transports.transport import Transport
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener
from gateway.hub.watching import EVERYBODY, Watching
from sandbox.network_failures import explains_network_failure
from sandbox.spec import SandboxError

_log = logging.getLogger(__name__)

_MOST_SAID = 50  # messages
_STREAM_PATIENCE = 1.0  # seconds for a stream of notifications to be opened


class Connection:
    """A connection to one server that outlives the server's deaths.

    With `lister`, what the server offers is listed on every connect and change; without, it only serves requests.
    `era` is what is known of the server beforehand.
    """

    def __init__(
        self,
        name: str,
        transport: Transport,
        settings: HubSettings,
        *,
        lister: Lister | None = None,
        era: Era | None = None,
    ) -> None:
        self.name = name
        self.transport = transport
        self.era: Era | None = era or transport.only_era
        self.since = time.time()
        self.error: str | None = None
        self.activity: str | None = None
        self.said: deque[str] = deque(maxlen=_MOST_SAID)
        """The last messages that the server logged to us."""
        self.settled = anyio.Event()
        """Set once the first attempt has succeeded or failed."""
        self._settings = settings
        self._lister = lister
        self._slots = anyio.Semaphore(settings.calls_in_flight, fast_acquire=True)
        self._backoff = Backoff(settings.first_backoff, settings.longest_backoff)
        self._peer: Peer | None = None
        self._last_words: tuple[str, ...] = ()
        self._session: Session | None = None
        self._watching = Watching()
        self._changed = anyio.Event()  # replaced each time a session begins or an attempt fails
        self._ready_at: float | None = None  # on anyio's clock; when the session of this attempt began
        self._failed_attempts = 0
        self._retry_at = -math.inf  # on anyio's clock; in the past while an attempt is under way

    @property
    def is_ready(self) -> bool:
        """Whether a call could be sent right now."""
        return self._live_session() is not None

    @property
    def state(self) -> ServerState:
        """`starting` until the end of the first attempt; then `ready` or `down`."""
        return "ready" if self.is_ready else "down" if self.settled.is_set() else "starting"

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines that its process wrote for people; those of the one before, while it has written none."""
        return (self._peer.diagnostics() if self._peer else ()) or self._last_words

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        while True:
            failure = await self._attempt()
            if failure.might_be_era and self.era is None and self._ready_at is None:
                _log.info("%s: it does not stand the modern probe; starting afresh, with the handshake", self.name)
                self.era = "legacy"
                failure = await self._attempt()
            self._note_end(failure)
            await anyio.sleep_until(self._retry_at)
            self._retry_at = -math.inf

    async def _attempt(self) -> Failure:
        """Connect and serve until that ends; why it ended."""
        try:
            await self._prepare()
            if self._lister is not None:
                await self._lister.check_source(self.transport.find_source)
            timeout = self._settings.connect_timeout
            # The deadline is for connecting only, but its scope has to enclose what is opened within it.
            with anyio.CancelScope(deadline=anyio.current_time() + timeout) as scope:
                async with self.transport.open(self._on_notification) as self._peer:
                    session = await negotiate(self._peer, era=self.era, head_start=self._settings.probe_head_start)
                    async with anyio.create_task_group() as tasks:
                        await self._begin(session, tasks)
                        scope.deadline = math.inf
                        await self._serve(session, tasks)
            return Failure(f"no answer within {timeout:g} s", might_be_era=True)
        except Exception as error:  # noqa: BLE001 - whatever a server or sandbox does must end this attempt only
            failure = describe_failure(error)
            if failure.is_surprise:
                _log.exception("%s: unexpected failure", self.name)
            return failure
        finally:
            self._last_words = self._peer.diagnostics() if self._peer else ()
            self._peer = None

    async def _prepare(self) -> None:
        timeout = self._settings.prepare_timeout
        try:
            with anyio.fail_after(timeout):
                await self.transport.prepare(self._note_activity)
        except TimeoutError as error:
            raise SandboxError(f"could not be prepared within {timeout:g} s") from error
        finally:
            self.activity = None

    def _note_activity(self, activity: str) -> None:
        self.activity = activity

    async def _begin(self, session: Session, tasks: TaskGroup) -> None:
        if self._lister is not None:
            await self._begin_following(session, tasks)
            await self._lister.begin(session)
        self.era = session.era
        self.error = None
        self.since = time.time()
        self._ready_at = anyio.current_time()
        self._session = session
        self._announce_change()
        _log.info("%s: ready, MCP %s", self.name, session.version)

    async def _begin_following(self, session: Session, tasks: TaskGroup) -> None:
        """See that changes are told from before the first list on: one in between would be missed.

        Some servers say nothing on a stream that they have opened, so this is not waited for long.
        """
        is_open = anyio.Event()
        tasks.start_soon(self._follow, session, is_open)
        with anyio.move_on_after(_STREAM_PATIENCE):
            await is_open.wait()

    async def _follow(self, session: Session, is_open: anyio.Event) -> None:
        try:
            await session.follow_changes(is_open.set)
        except PeerError as problem:
            _log.debug("%s: no longer told of changes: %s", self.name, problem)
        finally:
            is_open.set()

    async def _serve(self, session: Session, tasks: TaskGroup) -> None:
        """Until the peer is gone: then raises PeerClosed."""
        try:
            if self._lister is not None:
                tasks.start_soon(self._lister.keep, session, self.transport.find_source)
            self._watching.begin(session, tasks)
            raise PeerClosed(await session.peer.wait_closed())
        finally:
            self._watching.end()
            self._session = None

    def _on_notification(self, method: str, params: JsonObject) -> None:
        if method == "notifications/message":
            self.said.append(read_log_message(params))
        if method == RESOURCE_UPDATED:
            self._watching.note(params)
        if self._lister is not None:
            self._lister.note(method)

    def _note_end(self, failure: Failure) -> None:
        """After a session, or an attempt that led to none: say why, and plan the next attempt."""
        ready_at, self._ready_at = self._ready_at, None
        if ready_at is None:
            self.era = self.transport.only_era  # it may have changed with a new version of the server
            self._failed_attempts += 1
        elif anyio.current_time() - ready_at >= self._settings.stable_after:
            self._backoff.reset()
        if ready_at is not None or self.error is None:
            self.since = time.time()
        self.error = str(failure)
        if self.lacks_network([self.error, *self.stderr_tail]):
            self.error = f"{self.error}. {NETWORK_HINT}"
        wait = self._backoff.next()
        self._retry_at = anyio.current_time() + wait
        self._announce_change()
        _log.warning("%s: down: %s; next attempt in %.1f s", self.name, self.error, wait)

    def lacks_network(self, lines: Sequence[str]) -> bool:
        """Whether these lines complain of a lack of network, and the server has none."""
        return self.transport.lacks_network and explains_network_failure(lines)

    def _announce_change(self) -> None:
        self.settled.set()
        self._changed.set()
        self._changed = anyio.Event()

    async def request(self, request: Request) -> JsonObject:
        """The raw result of a request. Cancelling tells the server to stop.

        Raises ToolServerDown, ToolCallTimeout and ToolServerFault.
        """
        try:
            with anyio.fail_after(request.timeout):
                async with self._slots:
                    return await self._send(request)
        except TimeoutError:
            message = f"The tool server {self.name!r} did not answer within {request.timeout:g} s."
            raise ToolCallTimeout(message, server=self.name) from None
        except PeerError as problem:
            if self._lister is not None and isinstance(problem, Unreachable | ConnectionCut):
                self._lister.doubt()  # listing again will show whether the server is gone
            if self.lacks_network([problem.message]):
                problem.message = f"{problem.message}. {NETWORK_HINT}"
            raise to_tool_server_error(problem, server=self.name) from problem

    async def watch(
        self,
        uri: str,
        listener: UpdateListener,
        *,
        timeout: float,  # noqa: ASYNC109 - as in `request`: mapped to ToolCallTimeout
        whose: str = EVERYBODY,
        authorizer: Authorizer | None = None,
    ) -> Watch:
        """Be told when a resource may have changed, over however many sessions; whoever calls closes it.

        `whose` credentials `authorizer` gives; without, the connection's own are used. Raises like `request`.
        """
        try:
            with anyio.fail_after(timeout):
                session = await self._wait_for_session()
                watches = await self._watching.add(session, uri, listener, whose, authorizer)
        except TimeoutError:
            message = f"The tool server {self.name!r} did not take a subscription within {timeout:g} s."
            raise ToolCallTimeout(message, server=self.name) from None
        except PeerError as problem:
            raise to_tool_server_error(problem, server=self.name) from problem
        return Watch(watches, uri, listener)

    async def _send(self, request: Request) -> JsonObject:
        session = await self._wait_for_session()
        try:
            return await session.request(request)
        except SessionLost:  # it was not executed, so it may be sent again
            session = await self._wait_for_session()
            return await session.request(request)

    def _live_session(self) -> Session | None:
        """The session, unless its peer is gone: the task that serves it may not have noticed that yet."""
        session = self._session
        return None if session is None or session.peer.is_closed else session

    async def _wait_for_session(self) -> Session:
        """A session whose peer is there. Raises ToolServerDown.

        Waits a little for one that is being made; fails at once when the next attempt is further away.
        """
        if session := self._live_session():
            return session
        patience = self._settings.reconnect_patience if self.settled.is_set() else self._settings.connect_timeout
        failed_attempts = self._failed_attempts
        with anyio.move_on_after(patience) as wait:
            while failed_attempts == self._failed_attempts and self._retry_at < wait.deadline:
                await self._changed.wait()
                if session := self._live_session():
                    return session
        why = self.error or self.activity or "it is still starting"
        raise ToolServerDown(f"The tool server {self.name!r} is down: {why}.", server=self.name)
