"""The hub: every tool server behind one façade.

Above: `gateway.tool_calls` calls tools, `gateway.exposure` reads the catalogue, readiness checks the statuses.
Below: upstreams, each supervised by a task of its own. Refuses to know: keys beyond the name of an owner,
policies, models.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import anyio

from gateway.auth import User
from gateway.errors import ToolServerDown
from gateway.hub.catalogue import BadTool, Catalogue, Listing, build_catalogue
from gateway.hub.launcher import StdioLauncher
from gateway.hub.locking import Unverified, Verifier
from gateway.hub.results import CallResult, ProgressListener, ToolRequest
from gateway.hub.specs import HubSettings, ServerSpec
from gateway.hub.status import ServerStatus
from gateway.hub.upstreams import Upstream, make_upstream

_log = logging.getLogger(__name__)

_MOST_REPORTED = 10  # tools of one listing, each in a line of the log


class Hub:
    """All configured servers, kept connected between entering and leaving its context.

    Entering returns at once: servers start side by side, and a dead one delays none. `launcher` runs the
    stdio servers; without one they are down. `verifier` holds servers to what was locked of them. Names of servers
    must differ.
    """

    def __init__(
        self,
        servers: Sequence[ServerSpec],
        launcher: StdioLauncher | None,
        *,
        settings: HubSettings | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        names = [spec.name for spec in servers]
        if len(set(names)) < len(names):
            raise ValueError("two servers have the same name")
        self._specs = {spec.name: spec for spec in servers}
        self._launcher = launcher
        self._settings = settings or HubSettings()
        self._verifier = verifier or Unverified()
        self._upstreams: dict[str, Upstream] = {}
        self._stack = AsyncExitStack()
        self._catalogue = Catalogue()
        self._changed = anyio.Event()  # set, and replaced, when the catalogue is
        self._reported: dict[str, tuple[BadTool, ...]] = {}

    @property
    def catalogue(self) -> Catalogue:
        """The tools on offer now. A server that is down keeps its tools, so that prompts stay stable."""
        return self._catalogue

    async def change(self, known: Catalogue) -> Catalogue:
        """Wait until the catalogue is another one than `known`."""
        while self._catalogue is known:
            await self._changed.wait()
        return self._catalogue

    async def __aenter__(self) -> Self:
        """Begin to start the servers."""
        tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(tasks.cancel_scope.cancel)
        for name, spec in self._specs.items():
            upstream = make_upstream(
                spec, self._launcher, self._settings, tasks, self._take_listing, self._verifier
            )
            self._upstreams[name] = upstream
            tasks.start_soon(upstream.run, name=f"tool server {name}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Stop every server, and wait until all are stopped."""
        return await self._stack.__aexit__(kind, error, trace)

    def statuses(self) -> tuple[ServerStatus, ...]:
        """How each server is doing, in the order of the config."""
        return tuple(upstream.status() for upstream in self._upstreams.values())

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
        on_progress: ProgressListener | None = None,
    ) -> CallResult:
        """Call a tool by the server's own name for it, within `timeout` seconds in all.

        `owner` is the key, or the user behind one, on whose behalf: servers with a workspace run once for each.
        `user` is that user, where one was proven. A tool that fails is a result with `is_error`. Cancelling tells
        the server to stop. `on_progress` must be quick.

        Raises ToolServerDown, ToolServerNotConnected, ToolCallTimeout and ToolServerFault.
        """
        upstream = self._upstreams.get(server)
        if upstream is None:
            raise ToolServerDown(f"There is no tool server {server!r}.", server=server)
        bound = self._specs[server].timeout
        timeout = timeout if bound is None else min(timeout, bound)
        return await upstream.call(ToolRequest(tool, arguments, timeout, on_progress), owner=owner, user=user)

    def _take_listing(self, server: str, listing: Listing) -> None:
        listings = [upstream.listing for upstream in self._upstreams.values()]
        catalogue = build_catalogue(self._catalogue.generation + 1, listings)
        self._report(server, listing.bad)
        if catalogue.tools != self._catalogue.tools:
            self._catalogue = catalogue
            self._changed.set()
            self._changed = anyio.Event()

    def _report(self, server: str, bad: tuple[BadTool, ...]) -> None:
        """Say which tools are left out, once for each listing that differs; all of them are in the status."""
        if self._reported.get(server, ()) == bad:
            return
        self._reported[server] = bad
        for tool in bad[:_MOST_REPORTED]:
            _log.warning("%s: the tool %s is left out: %s", server, tool.name, tool.reason)
        if len(bad) > _MOST_REPORTED:
            _log.warning("%s: %d more tools are left out", server, len(bad) - _MOST_REPORTED)
