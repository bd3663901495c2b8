"""Starts boxes by bubblewrap.

Above: `sandbox.sandbox`. Below: `arguments` builds the options, `launch` gives up root in a process of its own,
`sandbox.process` owns the result. What it cannot do: limit processor time and the memory of all processes of a
box together; each process is limited, and so is their number. An open network is the host's own, with its
loopback.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from sandbox.bubblewrap import launch
from sandbox.bubblewrap.arguments import Abilities, confinement, contents, encode
from sandbox.bubblewrap.reach import check_reach
from sandbox.process import ProcessBox, boxed, start_process
from sandbox.roots.environment import environment_inside
from sandbox.seccomp import architecture_of, compile_filter
from sandbox.spec import Availability, BackendName, Box, BoxSpec, Limits, Root, SandboxError
from sandbox.store.prepared import OnProgress
from sandbox.workspaces import box_user

_PROGRAM = "bwrap"
_PROBE_SECONDS = 10
_START_SECONDS = 20
_OPEN_FILES = 1024
_GIB = 1024**3
_INSTALL = "install bubblewrap (the package has that name on every distribution)"
# Since this version the kernel counts processes per user namespace, so a limit can be one box's.
_COUNTS_PER_NAMESPACE = (5, 14)


class BubblewrapBackend:
    """Runs boxes from folders. As root, boxes run as the user nobody, in fact and not only in name."""

    name: BackendName = "bubblewrap"

    def __init__(self) -> None:
        self._abilities: Abilities | None = None

    async def probe(self) -> Availability:
        """Run `true` in a box that has this machine's programs, and nothing else, in it."""
        program, true = shutil.which(_PROGRAM), shutil.which("true")
        if program is None or true is None:
            return Availability(ok=False, detail=f"{_PROGRAM} is not on this machine", hint=_INSTALL)
        if architecture_of() is None:
            return Availability(ok=False, detail=f"no system call filter for {os.uname().machine}")
        try:
            with anyio.fail_after(_PROBE_SECONDS):
                version = await _output(program, "--version")
                async with self._run(BoxSpec("probe", (true,), Root("image")), Path("/"), {}) as box:
                    ended = await box.wait()
        except TimeoutError:
            return _unusable("a trivial box did not end")
        except (SandboxError, OSError) as error:
            return _unusable(str(error))
        if ended.code != 0:
            return _unusable(" | ".join(box.stderr_tail()) or ended.reason)
        return Availability(ok=True, detail=version.strip())

    async def provide(self, root: Root, on_progress: OnProgress = lambda line: None) -> Root:
        """Nothing to do: a folder is used as it lies there."""
        return root

    async def sweep(self) -> int:
        """Nothing to find: a box dies with the gateway that started it."""
        return 0

    @asynccontextmanager
    async def start(self, spec: BoxSpec) -> AsyncGenerator[Box]:
        """Start a box; leaving the context ends it and everything in it. Raises SandboxError."""
        if spec.root.folder is None:
            raise SandboxError(f"server {spec.name!r}: bubblewrap cannot run container images")
        await anyio.to_thread.run_sync(check_reach, spec)
        async with self._run(spec, spec.root.folder, environment_inside(spec.root)) as box:
            yield box

    @asynccontextmanager
    async def _run(self, spec: BoxSpec, root: Path, env: dict[str, str]) -> AsyncGenerator[ProcessBox]:
        program = shutil.which(_PROGRAM)
        architecture = architecture_of()
        if program is None or architecture is None:
            raise SandboxError("bubblewrap cannot be used on this machine", hint=_INSTALL)
        abilities = await self._find_abilities(program)
        options = await anyio.to_thread.run_sync(
            lambda: encode(contents(spec, root, {**env, **spec.env}), spec.name)
        )
        ready, ready_inside = os.pipe()
        try:
            try:
                with _readable(options) as args, _readable(compile_filter(architecture)) as seccomp:
                    confined = confinement(abilities, open_network=spec.network == "open")
                    descriptors = ("--seccomp", str(seccomp), "--args", str(args))
                    argv = (program, *confined, *descriptors, "--", *spec.argv)
                    command = _launcher(spec, argv, ready_inside)
                    process = await start_process(command, env={}, pass_fds=(ready_inside, args, seccomp))
            finally:
                os.close(ready_inside)
            async with boxed(process) as box:
                await _wait_until_ready(ready, box, spec)
                yield box
        finally:
            os.close(ready)

    async def _find_abilities(self, program: str) -> Abilities:
        if self._abilities is None:
            said = await _output(program, "--help")
            self._abilities = Abilities(disable_userns="--disable-userns" in said)
        return self._abilities


def _launcher(spec: BoxSpec, argv: tuple[str, ...], ready: int) -> list[str]:
    """The command that becomes bubblewrap. Whoever lists processes sees it; it holds no secret."""
    user, group = box_user() if os.geteuid() == 0 else (None, None)
    settings = {
        "user": user,
        "group": group,
        "limits": _limits(spec.limits, spec.root),
        "processes": spec.limits.processes if _kernel_version() >= _COUNTS_PER_NAMESPACE else None,
        "ready": ready,
        "argv": argv,
    }
    return [sys.executable, "-I", "-S", launch.__file__, json.dumps(settings)]


def _limits(limits: Limits, root: Root) -> dict[str, int]:
    """Resource limits, each for one process.

    Private memory is what counts. Address space alone can be limited for Python only, to bound shared memory too:
    Node reserves many times what it will use.
    """
    chosen = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": _OPEN_FILES,
        "RLIMIT_FSIZE": limits.disk_bytes,
        "RLIMIT_DATA": limits.memory_bytes,
    }
    if root.kind == "python":
        chosen["RLIMIT_AS"] = limits.memory_bytes + _GIB
    return chosen


def _kernel_version() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])


async def _wait_until_ready(ready: int, box: ProcessBox, spec: BoxSpec) -> None:
    """Wait for the box's namespaces. Raises SandboxError with bubblewrap's words when there will be none."""
    with anyio.move_on_after(_START_SECONDS):
        await anyio.wait_readable(ready)
        if os.read(ready, 1):
            return
        ended = await box.wait()
        said = " | ".join(box.stderr_tail()) or ended.reason
        raise SandboxError(f"server {spec.name!r}: bubblewrap could not start: {said}", hint=_hint_for(said))
    raise SandboxError(f"server {spec.name!r}: bubblewrap did not start within {_START_SECONDS} s")


@contextmanager
def _readable(data: bytes) -> Generator[int]:
    """A descriptor from which a child reads `data`; a pipe would hold only 64 KiB of it."""
    descriptor = os.memfd_create("toolgate", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


async def _output(*argv: str) -> str:
    try:
        with anyio.fail_after(_PROBE_SECONDS):
            done = await anyio.run_process(argv, env={}, check=False)
    except (OSError, TimeoutError) as error:
        raise SandboxError(f"cannot run {argv[0]}: {error}") from error
    return done.stdout.decode(errors="replace")


def _unusable(said: str) -> Availability:
    return Availability(ok=False, detail=said, hint=_hint_for(said))


def _hint_for(said: str) -> str | None:
    """What the operator can do, by bubblewrap's own words."""
    if re.search(r"namespace|uid map|setting up uid|clone", said, re.IGNORECASE):
        return (
            "let ordinary users create user namespaces: sysctl user.max_user_namespaces, "
            "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0"
        )
    if "mount proc" in said:
        return "inside a container this needs an unmasked /proc: docker run --security-opt systempaths=unconfined"
    return None
