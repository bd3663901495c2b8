"""The sandbox as the hub sees it: a server's command in, a running box out.

Above: `gateway.hub` starts stdio servers, `doctor` asks what works here. Below: `sandbox.store` brings packages,
`sandbox.roots` assembles root file systems, `sandbox.workspaces` keeps folders, and one backend per way to
confine a process runs the result. Refuses to know: MCP, policies, what a key is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

import anyio
import anyio.to_thread

from sandbox.spec import (
    Availability,
    Backend,
    BackendName,
    Box,
    BoxSpec,
    Mount,
    Root,
    SandboxError,
    StdioServer,
)
from sandbox.store import OnProgress, PackageStore, Prepared, needs_image
from sandbox.store.mounts import check_private, check_unmoved
from sandbox.store.prepared import PACKAGE_FOLDER
from sandbox.workspaces import Workspaces

_log = logging.getLogger(__name__)

_AUTOMATIC: tuple[BackendName, ...] = ("docker", "bubblewrap")
"""What `auto` may choose, best first. The bare host is never among them."""


def _unheard(line: str) -> None:
    """For whoever does not want to hear of progress."""


class Roots(Protocol):
    """Who assembles root file systems; `sandbox.roots.RuntimeRoots` does."""

    async def ensure(self, kind: Literal["python", "node"], on_progress: OnProgress) -> Root:
        """The root with this interpreter, assembled unless it is there. Raises SandboxError."""
        ...


class Sandbox:
    """Runs stdio servers confined. `instance_id` labels the boxes of this process, for the sweep of orphans."""

    def __init__(
        self,
        *,
        state_dir: Path,
        cache_dir: Path,
        backends: Sequence[Backend],
        instance_id: str,
        roots: Roots,
    ) -> None:
        self._state_dir, self._cache_dir = state_dir, cache_dir
        self._store = PackageStore(cache_dir)
        self._workspaces = Workspaces(state_dir)
        self._backends: dict[BackendName, Backend] = {backend.name: backend for backend in backends}
        self._instance_id = instance_id
        self._roots = roots
        self._probed: dict[BackendName, Availability] | None = None
        self._probing = anyio.Lock()
        self._prepared: dict[str, tuple[StdioServer, Prepared]] = {}

    async def probe(self) -> Mapping[BackendName, Availability]:
        """Which backends work on this machine; found out once."""
        async with self._probing:
            if self._probed is None:
                self._probed = {backend.name: await backend.probe() for backend in self._backends.values()}
            return self._probed

    async def choose(self, server: StdioServer) -> Backend:
        """The backend for `server`: the one that it names, else the best that works here, never the host.

        Raises SandboxError, saying why and what to do, when there is none.
        """
        available = await self.probe()
        if server.backend != "auto":
            names: tuple[BackendName, ...] = (server.backend,)
        else:
            names = ("docker",) if needs_image(server) else _AUTOMATIC
        if server.backend == "bubblewrap" and needs_image(server):
            raise SandboxError("bubblewrap cannot run container images", hint="set sandbox.backend: docker")
        for name in names:
            if name in available and available[name].ok:
                return self._backends[name]
        raise _unavailable(server, names, available)

    async def prepare(self, server: StdioServer, on_progress: OnProgress = _unheard) -> Prepared:
        """Everything that `server` needs, fetched and found; remembered as long as its config stays the same.

        Raises SandboxError.
        """
        known = self._prepared.get(server.name)
        if known and known[0] == server:
            return known[1]
        prepared = await self._store.prepare(server, on_progress)
        await anyio.to_thread.run_sync(self._check_private, prepared)
        root = await self._root(await self.choose(server), prepared, on_progress)
        if root.digest is not None:
            prepared = replace(prepared, origin=replace(prepared.origin, integrity=root.digest))
        self._prepared[server.name] = (server, prepared)
        return prepared

    @asynccontextmanager
    async def launch(self, server: StdioServer, *, workspace_owner: str | None = None) -> AsyncGenerator[Box]:
        """Run `server`; leaving the context ends it. Raises SandboxError when it cannot start.

        `workspace_owner` is the key id whose workspace it gets, if it asks for one; None gives an empty
        temporary workspace, as for listing its tools.
        """
        backend = await self.choose(server)
        prepared = await self.prepare(server)
        await anyio.to_thread.run_sync(check_unmoved, _of_operator(prepared))
        root = await self._root(backend, prepared, _unheard)
        async with self._workspace(server, workspace_owner) as workspace:
            spec = self._spec(server, prepared, root, workspace)
            if backend.name == "host":
                spec = _on_host(spec)
            async with backend.start(spec) as box:
                yield box

    async def sweep(self) -> int:
        """Remove the boxes which gateways that died left behind, to be called at startup; how many there were.

        Boxes of gateways that live, this one or another, are left alone. What cannot be removed is logged.
        """
        swept = 0
        for backend in self._backends.values():
            try:
                swept += await backend.sweep()
            except SandboxError as error:
                _log.warning("could not look for boxes left behind: %s", error)
        return swept

    def _check_private(self, prepared: Prepared) -> None:
        check_private(
            _of_operator(prepared), state_dir=self._state_dir, cache_dir=self._cache_dir, environ=os.environ
        )

    async def _root(self, backend: Backend, prepared: Prepared, on_progress: OnProgress) -> Root:
        """The root for a server, there to be run from."""
        if prepared.root_kind == "image":
            root = Root("image", image=prepared.image, digest=prepared.origin.integrity)
        elif backend.name == "host":
            return Root(prepared.root_kind)
        else:
            root = await self._roots.ensure(prepared.root_kind, on_progress)
        return await backend.provide(root, on_progress)

    @asynccontextmanager
    async def _workspace(self, server: StdioServer, owner: str | None) -> AsyncGenerator[Mount | None]:
        if server.workspace is None:
            yield None
        elif owner is not None:
            path = await anyio.to_thread.run_sync(self._workspaces.path_for, server.name, owner)
            yield Mount(path, server.workspace, writable=True)
        else:
            async with _in_thread(self._workspaces.empty()) as path:
                yield Mount(path, server.workspace, writable=True)

    def _spec(self, server: StdioServer, prepared: Prepared, root: Root, workspace: Mount | None) -> BoxSpec:
        return BoxSpec(
            name=server.name,
            argv=prepared.argv,
            root=root,
            env=prepared.env,
            cwd=prepared.cwd or server.workspace or "/",
            mounts=(*prepared.mounts, *((workspace,) if workspace else ())),
            network=server.network,
            limits=server.limits,
            labels={"toolgate.instance": self._instance_id, "toolgate.server": server.name},
        )


def _of_operator(prepared: Prepared) -> list[Mount]:
    """The mounts without that of the package, which is ours."""
    return [mount for mount in prepared.mounts if mount.target != PACKAGE_FOLDER]


def _unavailable(
    server: StdioServer, names: Sequence[BackendName], available: Mapping[BackendName, Availability]
) -> SandboxError:
    found = [(name, available.get(name, Availability(ok=False, detail="not built in"))) for name in names]
    reasons = "; ".join(f"{name}: {answer.detail}" for name, answer in found)
    hints = [answer.hint for _, answer in found if answer.hint]
    if server.backend == "auto" and not needs_image(server):
        hints.append("or, to run this server unconfined, set sandbox.backend: host")
    return SandboxError(f"no sandbox for server {server.name!r} ({reasons})", hint="; ".join(hints) or None)


def _on_host(spec: BoxSpec) -> BoxSpec:
    """Without a box nothing can be mounted: paths that name a mount are replaced by what would be mounted."""
    argv = tuple(_without_mounts(part, spec.mounts) for part in spec.argv)
    return replace(spec, argv=argv, cwd=_without_mounts(spec.cwd, spec.mounts), mounts=())


def _without_mounts(text: str, mounts: Sequence[Mount]) -> str:
    for mount in mounts:
        if text.startswith("/") and PurePosixPath(text).is_relative_to(mount.target):
            return str(mount.source / PurePosixPath(text).relative_to(mount.target))
    return text


@asynccontextmanager
async def _in_thread(context: AbstractContextManager[Path]) -> AsyncGenerator[Path]:
    """Enter and leave a blocking context in worker threads; leaving is not cut short by cancellation."""
    path = await anyio.to_thread.run_sync(context.__enter__)
    try:
        yield path
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(context.__exit__, None, None, None)
