"""The hub: every tool server behind one façade.

Above: `gateway.tool_calls` calls tools, `gateway.exposure` reads the catalogue, readiness checks the statuses.
Below: upstreams, each supervised by a task of its own. Refuses to know: keys beyond the name of an owner,
policies, models.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import anyio

from gateway.auth import User
from gateway.errors import ToolServerDown
from gateway.hub.catalogue import Catalogue, Listing, build_catalogue
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.entries import BadEntry
from gateway.hub.failures import NETWORK_HINT
from gateway.hub.launcher import StdioLauncher
from gateway.hub.locking import Unverified, Verifier
from gateway.hub.meanwhile import SILENCE, Meanwhile
from gateway.hub.peer import JsonObject
from gateway.hub.pool import UpstreamPool
from gateway.hub.requests import NOBODY, Caller, GivenInput, Request, call_request
from gateway.hub.results import CallResult, read_call_result
from gateway.hub.specs import HubSettings, ServerSpec
from gateway.hub.status import ServerState, ServerStatus
from gateway.hub.upstreams import Upstream
from gateway.hub.watch import Watch
from gateway.hub.watches import UpdateListener

_log = logging.getLogger(__name__)

_MOST_REPORTED = 10  # entries of one listing, each in a line of the log


class Hub:
    """All configured servers, kept connected between entering and leaving its context.

    Entering returns at once: servers start side by side, and a dead one delays none. `launcher` runs the
    stdio servers; without one they are down. With a `pool`, which has a launcher and settings of its own, servers
    that another hub holds there too are shared with it, and go on when this one leaves. `verifier` holds servers
    to what was locked of them, and `credentials` has the tokens for those that want some. Names of servers must
    differ.
    """

    def __init__(
        self,
        servers: Sequence[ServerSpec],
        launcher: StdioLauncher | None,
        *,
        settings: HubSettings | None = None,
        verifier: Verifier | None = None,
        credentials: Credentials | None = None,
        pool: UpstreamPool | None = None,
    ) -> None:
        names = [spec.name for spec in servers]
        if len(set(names)) < len(names):
            raise ValueError("two servers have the same name")
        self._specs = {spec.name: spec for spec in servers}
        self._pool = pool or UpstreamPool(launcher, settings)
        self._owns_pool = pool is None
        self._verifier = verifier or Unverified()
        self._credentials = credentials
        self._upstreams: dict[str, Upstream] = {}
        self._stack = AsyncExitStack()
        self._catalogue = Catalogue()
        self._listings: dict[str, Listing] = {}
        self._changed = anyio.Event()  # set, and replaced, when the catalogue is
        self._reported: dict[str, tuple[BadEntry, ...]] = {}

    @property
    def catalogue(self) -> Catalogue:
        """What is on offer now. A server that is down keeps its tools, so that prompts stay stable."""
        return self._catalogue

    async def change(self, known: Catalogue) -> Catalogue:
        """Wait until the catalogue is another one than `known`."""
        while self._catalogue is known:
            await self._changed.wait()
        return self._catalogue

    async def __aenter__(self) -> Self:
        """Begin to start the servers."""
        async with AsyncExitStack() as stack:
            if self._owns_pool:
                await stack.enter_async_context(self._pool)
            for name, spec in self._specs.items():
                upstream = await self._pool.hold(spec, self._take_listing, self._verifier, self._credentials)
                stack.callback(self._pool.release, upstream, self._take_listing)
                self._upstreams[name] = upstream
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Stop every server that nobody else holds; without a pool of others, wait until all are stopped."""
        return await self._stack.__aexit__(kind, error, trace)

    def statuses(self) -> tuple[ServerStatus, ...]:
        """How each server is doing, in the order of the config."""
        return tuple(upstream.status() for upstream in self._upstreams.values())

    def states(self) -> Mapping[str, ServerState]:
        """The states alone, by server, in the order of the config: what every request looks at."""
        return {name: upstream.state for name, upstream in self._upstreams.items()}

    async def settled(self) -> None:
        """Wait until every server has been listed or has failed its first start."""
        for upstream in self._upstreams.values():
            await upstream.settled()

    async def call(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        owner: str,
        user: User | None = None,
        timeout: float,  # noqa: ASYNC109 - one deadline from here down, mapped to ToolCallTimeout
        meanwhile: Meanwhile = SILENCE,
        caller: Caller = NOBODY,
        given: GivenInput | None = None,
    ) -> CallResult:
        """Call a tool by the server's own name for it, within `timeout` seconds in all.

        `owner` is the key, or the user behind one, on whose behalf: servers with a workspace run once for each.
        `user` is that user, where one was proven. A tool that fails is a result with `is_error`; one that wants
        input first, with `input_required`: whoever can give it calls again with it as `given`. Cancelling tells
        the server to stop. What `meanwhile` names must be quick.

        Raises ToolServerDown, ToolServerNotConnected, ToolCallTimeout and ToolServerFault.
        """
        request = call_request(tool, arguments, timeout, caller=caller, meanwhile=meanwhile, given=given)
        result = read_call_result(await self._send(server, request, owner, user))
        lacks_network = result.is_error and self._upstream(server).lacks_network(result.text())
        return result.with_note(NETWORK_HINT) if lacks_network else result

    async def request(
        self,
        server: str,
        method: str,
        params: Mapping[str, Any],
        *,
        owner: str,
        user: User | None = None,
        timeout: float,  # noqa: ASYNC109 - as in `call`
        meanwhile: Meanwhile = SILENCE,
        caller: Caller = NOBODY,
    ) -> JsonObject:
        """The raw result of any request but `tools/call`: of `resources/read`, `prompts/get` and so on.

        Like `call` otherwise. Raises ToolServerRefusal for a JSON-RPC error of the server.
        """
        if method == "tools/call":
            raise ValueError("tools are called with `call`")
        request = Request(method, params, timeout, caller, meanwhile)
        return await self._send(server, request, owner, user)

    async def watch(
        self,
        server: str,
        uri: str,
        on_update: UpdateListener,
        *,
        owner: str,
        user: User | None = None,
        timeout: float,  # noqa: ASYNC109 - as in `call`
    ) -> Watch:
        """Be told each time that a resource may have changed, until the watch is closed; so when it has been lost
        sight of meanwhile.

        Raises what `request` does: for a server that tells nobody, too.
        """
        upstream = self._upstream(server)
        return await upstream.watch(uri, on_update, owner=owner, user=user, timeout=timeout)

    def _upstream(self, server: str) -> Upstream:
        upstream = self._upstreams.get(server)
        if upstream is None:
            raise ToolServerDown(f"There is no tool server {server!r}.", server=server)
        return upstream

    async def _send(self, server: str, request: Request, owner: str, user: User | None) -> JsonObject:
        upstream = self._upstream(server)
        bound = self._specs[server].timeout
        if bound is not None and bound < request.timeout:
            request = replace(request, timeout=bound)
        return await upstream.request(request, owner=owner, user=user)

    def _take_listing(self, server: str, listing: Listing) -> None:
        before = self._listings.get(server, Listing())
        self._listings[server] = listing
        self._report(server, listing.bad)
        if replace(listing, bad=before.bad, drift=before.drift) != before:
            self._catalogue = build_catalogue(self._catalogue.generation + 1, self._listings.values())
            self._changed.set()
            self._changed = anyio.Event()

    def _report(self, server: str, bad: tuple[BadEntry, ...]) -> None:
        """Say what is left out, once for each listing that differs; all of it is in the status."""
        if self._reported.get(server, ()) == bad:
            return
        self._reported[server] = bad
        for entry in bad[:_MOST_REPORTED]:
            _log.warning("%s: the %s %s is left out: %s", server, entry.kind, entry.name, entry.reason)
        if len(bad) > _MOST_REPORTED:
            _log.warning("%s: %d more are left out", server, len(bad) - _MOST_REPORTED)
