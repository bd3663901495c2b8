"""What runs in a sandbox, and what a sandbox looks like from outside.

Above: `gateway.hub` starts MCP servers with it. Below: one backend per way to confine a process
(`sandbox.docker`, `sandbox.bubblewrap`, `sandbox.host`). Refuses to know: MCP, policies, keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

BackendName = Literal["docker", "bubblewrap", "host"]
Network = Literal["none", "open"]


class SandboxError(Exception):
    """A process could not be prepared or started. `hint` says what the operator can do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Mount:
    """A folder or file of the host, seen at the absolute path `target` inside. Read-only unless `writable`."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one box may use. Memory includes its tmpfs; `disk_bytes` bounds each tmpfs and each written file."""

    memory_bytes: int = 512 * 1024 * 1024
    cpus: float = 1.0
    processes: int = 128
    disk_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a server's program comes from.

    `asked` is what its command names: packages, an image, one of our modules, or a program. `version` is the exact
    version of the package that this came to, `integrity` the digest of what the registry gave for it (`sha512-...`
    of npm, `sha256-...` of a wheel, in hexadecimal digits), or of an image (`sha256:...`). `packages` are all that
    were installed, in lines `NAME VERSION INTEGRITY` (`sandbox.store.package_sets`); None where one is not known.
    """

    kind: Literal["npm", "pypi", "image", "bundled", "command"]
    asked: str
    version: str | None = None
    integrity: str | None = None
    packages: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A stdio server as the operator wrote it: the `command` form of `mcpServers`, and our `sandbox` options.

    `workspace` is the absolute path inside at which a writable folder of the calling key is mounted; such a
    server runs once per key. `image` replaces the root file system that we would assemble. `pin` is what the
    command came to when it was locked; as long as the command asks for the same, nothing else is installed or run.
    """

    name: str
    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str | None = None
    backend: BackendName | Literal["auto"] = "auto"
    network: Network = "none"
    workspace: str | None = None
    image: str | None = None
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    pin: Origin | None = None


@dataclass(frozen=True, slots=True)
class BoxSpec:
    """A process ready to run: everything resolved, nothing left to look up or to fetch.

    `root` is a folder or image that holds the runtime (see `sandbox.roots`); `argv[0]` is a path inside it.
    """

    name: str
    argv: tuple[str, ...]
    root: Root
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    network: Network = "none"
    limits: Limits = Limits()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Root:
    """A root file system: a folder assembled from the host's own runtime, or the name of a container image.

    `digest` (`sha256:...`) says which image it must be, whatever the name means by now.
    """

    kind: Literal["python", "node", "image"]
    folder: Path | None = None
    image: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """How a box ended. `reason` is a phrase for people; `code` is None when the process never started."""

    code: int | None
    reason: str
    out_of_memory: bool = False


class Box(Protocol):
    """A running process. Not safe for two concurrent readers or two concurrent writers."""

    async def send(self, data: bytes) -> None:
        """Write to its standard input. Raises anyio.BrokenResourceError once it is gone."""
        ...

    async def receive(self) -> bytes:
        """Some bytes of its standard output. Raises anyio.EndOfStream when that has ended."""
        ...

    def stderr_tail(self) -> tuple[str, ...]:
        """The last 200 lines of its standard error, each cut to 2,000 characters."""
        ...

    async def wait(self) -> Exit:
        """Wait until it has ended."""
        ...

    async def kill(self) -> None:
        """End it at once, and everything it started. Does nothing when it has ended already."""
        ...


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a backend can be used on this machine; `detail` says which version or why not."""

    ok: bool
    detail: str
    hint: str | None = None


class Backend(Protocol):
    """One way to confine a process."""

    name: BackendName

    async def probe(self) -> Availability:
        """Find out, within a few seconds and without side effects, whether this backend works here."""
        ...

    async def provide(self, root: Root, on_progress: Callable[[str], None]) -> Root:
        """Bring what this root needs to where boxes run: import or pull an image. Raises SandboxError.

        The root as it is there; of an operator's image, with its digest.
        """
        ...

    async def sweep(self) -> int:
        """Remove the boxes of gateway processes that died; how many there were. Raises SandboxError."""
        ...

    def start(self, spec: BoxSpec) -> AbstractAsyncContextManager[Box]:
        """Start a box; leaving the context ends it and everything in it. Raises SandboxError."""
        ...
