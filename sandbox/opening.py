"""Puts a sandbox together: the backends of this machine, the roots and the folders.

Above: `gateway.runtime` opens one, and so does `toolgate doctor`. Nothing is looked for or started by that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from sandbox.bubblewrap import BubblewrapBackend
from sandbox.docker import DockerBackend
from sandbox.host import HostBackend
from sandbox.roots import RuntimeRoots
from sandbox.sandbox import Sandbox
from sandbox.spec import Backend, BackendName

_BACKENDS: dict[BackendName, Callable[[], Backend]] = {
    "docker": DockerBackend,
    "bubblewrap": BubblewrapBackend,
    "host": HostBackend,
}


def open_sandbox(
    *,
    state_dir: Path,
    cache_dir: Path,
    instance_id: str | None = None,
    backends: Sequence[BackendName] | None = None,
) -> Sandbox:
    """A sandbox that keeps workspaces in `state_dir`, packages and roots in `cache_dir`.

    `instance_id` labels this gateway's boxes; by default it is random. Without `backends` all are built in; which
    of them work here, `Sandbox.probe` finds out.
    """
    return Sandbox(
        state_dir=state_dir,
        cache_dir=cache_dir,
        backends=[_BACKENDS[name]() for name in (_BACKENDS if backends is None else backends)],
        instance_id=instance_id or secrets.token_hex(8),
        roots=RuntimeRoots(cache_dir),
    )
