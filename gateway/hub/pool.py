"""Tool servers that run while anybody holds them: one that the next configuration asks for again goes on.

Above: a hub holds its servers here, and the composition root lets hubs of successive configurations share a pool.
Below: upstreams. Refuses to know: catalogues, calls.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup, TaskStatus

from gateway.hub.catalogue import Listing
from gateway.hub.credentials.credentials import Credentials
from gateway.hub.launcher import StdioLauncher
from gateway.hub.locking import Verifier
from gateway.hub.specs import HttpServerSpec, HubSettings, OpenApiServerSpec, ServerSpec, StdioServerSpec
from gateway.hub.upstreams import ListingListener, Upstream, make_upstream


@dataclass(slots=True, eq=False)
class Held:
    """One upstream, and who is told of its listings: each of them holds it."""

    spec: ServerSpec
    basis: object
    listeners: list[ListingListener] = field(default_factory=list[ListingListener])
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    listed: Listing | None = None

    def tell(self, server: str, listing: Listing) -> None:
        """Hand a listing on."""
        self.listed = listing
        for listener in tuple(self.listeners):
            listener(server, listing)


class UpstreamPool:
    """Upstreams by what they are. Leaving its context stops them all, and waits until they are stopped."""

    def __init__(self, launcher: StdioLauncher | None, settings: HubSettings | None = None) -> None:
        self._launcher = launcher
        self._settings = settings or HubSettings()
        self._running: dict[Upstream, Held] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        self._tasks: TaskGroup = await self._stack.enter_async_context(anyio.create_task_group())
        self._stack.callback(self._tasks.cancel_scope.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Stop what is left."""
        return await self._stack.__aexit__(kind, error, trace)

    async def hold(
        self,
        spec: ServerSpec,
        listener: ListingListener,
        verifier: Verifier,
        credentials: Credentials | None = None,
    ) -> Upstream:
        """An upstream for this specification, held to the same as before: one that runs, or a new one.

        What it has listed already is told at once, before this returns.
        """
        basis = verifier.basis(spec.name)
        for upstream, held in self._running.items():
            if _is_same(held.spec, spec) and held.basis == basis:
                held.listeners.append(listener)
                if held.listed is not None:
                    listener(spec.name, held.listed)
                return upstream
        held = Held(spec, basis, [listener])
        return await self._tasks.start(self._run, held, verifier, credentials, name=f"tool server {spec.name}")

    def release(self, upstream: Upstream, listener: ListingListener) -> None:
        """One holder less; the last one's release stops it, which is not waited for."""
        held = self._running.get(upstream)
        if held is None or listener not in held.listeners:
            return
        held.listeners.remove(listener)
        if not held.listeners:
            del self._running[upstream]
            held.scope.cancel()

    async def _run(
        self,
        held: Held,
        verifier: Verifier,
        credentials: Credentials | None,
        *,
        task_status: TaskStatus[Upstream] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        with held.scope:
            async with anyio.create_task_group() as tasks:
                upstream = make_upstream(
                    held.spec, self._launcher, self._settings, tasks, held.tell, verifier, credentials
                )
                self._running[upstream] = held
                task_status.started(upstream)
                await upstream.run()
                await anyio.sleep_forever()  # its instances run on


def _is_same(one: ServerSpec, other: ServerSpec) -> bool:
    """Whether the same process or address would serve both in the same way.

    Never with tokens, which belong to one configuration, nor with a document, which is read again. A bound on
    calls is the hub's affair, and a package that is known from now on is the one that runs.
    """
    if isinstance(one, OpenApiServerSpec):
        return False
    if isinstance(one, HttpServerSpec) and one.auth is not None:
        return False
    return _bare(one) == _bare(other)


def _bare(spec: ServerSpec) -> ServerSpec:
    spec = replace(spec, timeout=None)
    return replace(spec, server=replace(spec.server, pin=None)) if isinstance(spec, StdioServerSpec) else spec
