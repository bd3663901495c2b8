"""No box at all: a child process with our user's rights, for servers whose operator asked for that by name.

Above: `sandbox.sandbox`, which never chooses this by itself. What it keeps from the process is our environment.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.process import boxed, start_process
from sandbox.spec import Availability, BackendName, Box, BoxSpec, Root, SandboxError
from sandbox.store.prepared import OnProgress

# What programs need to find each other and their files. Everything else may be a secret of the gateway's.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "USER", "LOGNAME")


class HostBackend:
    """Runs processes unconfined."""

    name: BackendName = "host"

    async def probe(self) -> Availability:
        """It works everywhere."""
        return Availability(ok=True, detail="runs servers unconfined, only where a server asks for it")

    async def provide(self, root: Root, on_progress: OnProgress = lambda line: None) -> Root:
        """Nothing to do: programs of this machine are used as they are."""
        return root

    async def sweep(self) -> int:
        """Nothing to find: what an earlier gateway left behind cannot be told from other processes."""
        return 0

    @asynccontextmanager
    async def start(self, spec: BoxSpec) -> AsyncGenerator[Box]:
        """Start a process in a group of its own; leaving the context ends the group. Raises SandboxError."""
        if spec.mounts or spec.root.kind == "image":
            raise SandboxError(f"server {spec.name!r}: on the bare host nothing can be mounted, and no image run")
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            process = await start_process(spec.argv, env={**passed_on, **spec.env}, cwd=spec.cwd)
        except OSError as error:
            raise _cannot_start(spec, error) from error
        async with boxed(process) as box:
            yield box


def _cannot_start(spec: BoxSpec, error: OSError) -> SandboxError:
    if not Path(spec.cwd).is_dir():
        return SandboxError(f"server {spec.name!r}: its folder {spec.cwd} is not there")
    return SandboxError(
        f"server {spec.name!r}: cannot run {spec.argv[0]}: {error.strerror or error}",
        hint="check that the command is installed and on the path of the gateway",
    )
