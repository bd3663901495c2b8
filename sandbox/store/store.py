"""From a server's command, as MCP clients write it, to a process that is ready to run.

Above: `sandbox.sandbox` joins the answer with a root, a workspace and a backend. Below: one module for each
way to bring a package here. Refuses to know: how the process will be confined.

Our own servers are written `python -m mcp_servers.NAME`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from sandbox.spec import Mount, Origin, SandboxError, StdioServer
from sandbox.store.bundled import OWN_PACKAGE, gather_bundle
from sandbox.store.docker_run import parse_docker_run
from sandbox.store.mounts import checked_mounts
from sandbox.store.npm import install_npx, parse_npx
from sandbox.store.paths import path_inside
from sandbox.store.prepared import PACKAGE_FOLDER, OnProgress, Prepared, Program
from sandbox.store.pypi import install_uvx, parse_uvx
from sandbox.store.shelf import Shelf

_INTERPRETERS = {"python": "/usr/bin/python3", "node": "/usr/bin/node"}
_PYTHON_COMMANDS = frozenset(
    {
        "python",
        "python3",
        f"python3.{sys.version_info.minor}",
        "/usr/bin/python3",
        sys.executable,
        "${sys.executable}",
    }
)
_NODE_COMMANDS = frozenset({"node", "nodejs", "/usr/bin/node"})
_ENGINE_COMMANDS = frozenset({"docker", "podman"})


def needs_image(server: StdioServer) -> bool:
    """Whether only a backend that runs images can run this server."""
    return server.image is not None or server.command in _ENGINE_COMMANDS


class PackageStore:
    """Packages beneath `cache_dir`, each at an exact version, read-only, installed once."""

    def __init__(self, cache_dir: Path) -> None:
        self._npm = Shelf(cache_dir / "store" / "npm")
        self._pypi = Shelf(cache_dir / "store" / "pypi")
        self._bundled = Shelf(cache_dir / "store" / "bundled")

    async def prepare(self, server: StdioServer, on_progress: OnProgress) -> Prepared:
        """Everything that `server` needs, fetched and found; nothing of it has run by then.

        The first time this may take minutes and needs the package index; later neither. Raises SandboxError,
        with a hint where there is one.
        """
        if server.backend == "host":
            return await self._for_host(server, on_progress)
        mounts = await anyio.to_thread.run_sync(checked_mounts, server.mounts, server.workspace)
        server = replace(server, mounts=mounts)
        cwd = server.cwd and path_inside(server.cwd, mounts, server.workspace, what="cwd")
        if needs_image(server):
            return await _for_image(server, cwd)
        program = await self._program(server, on_progress)
        if program is None:
            raise SandboxError(
                f"the command {server.command!r} cannot be run in a box that we assemble",
                hint="supported are npx, uvx, pipx run, python3, node and docker run; "
                "for others set sandbox.image, or sandbox.backend: host",
            )
        package = (Mount(program.folder, PACKAGE_FOLDER),) if program.folder else ()
        return Prepared(
            argv=program.argv(_INTERPRETERS[program.runtime], PACKAGE_FOLDER),
            root_kind=program.runtime,
            origin=program.origin,
            mounts=(*package, *mounts),
            env=program.environment(server.env, PACKAGE_FOLDER),
            cwd=cwd,
        )

    async def _for_host(self, server: StdioServer, on_progress: OnProgress) -> Prepared:
        """Packages run from the store, by this machine's interpreters; any other command as it stands."""
        if server.image is not None:
            raise SandboxError("sandbox.image and sandbox.backend: host exclude each other")
        program = await self._installed(server, on_progress)
        if program is None or program.folder is None:
            command = sys.executable if server.command == "${sys.executable}" else server.command
            argv = (command, *server.args)
            return Prepared(argv, "python", _command(server), env=server.env, cwd=server.cwd)
        interpreter = sys.executable if program.runtime == "python" else shutil.which("node")
        if interpreter is None:
            raise SandboxError("node is not on this machine", hint="install Node.js")
        folder = str(program.folder)
        env = program.environment(server.env, folder)
        return Prepared(
            program.argv(interpreter, folder), program.runtime, program.origin, env=env, cwd=server.cwd
        )

    async def _program(self, server: StdioServer, on_progress: OnProgress) -> Program | None:
        """The program that a command means in a box; None for a command that we do not know."""
        if program := await self._installed(server, on_progress):
            return program
        if server.command in _PYTHON_COMMANDS:
            # The SDK is on the import path, as nearly every server that people write in Python needs it.
            bundle = await gather_bundle(self._bundled, on_progress)
            return Program("python", _command(server), _script_inside(server), folder=bundle)
        if server.command in _NODE_COMMANDS:
            return Program("node", _command(server), _script_inside(server))
        return None

    async def _installed(self, server: StdioServer, on_progress: OnProgress) -> Program | None:
        """The program of a command that means a package; None for any other command."""
        match server.command, *server.args:
            case ["npx", *args]:
                return await install_npx(self._npm, parse_npx(args), on_progress, server.pin)
            case ["uvx", *args] | ["uv", "tool", "run", *args]:
                return await install_uvx(self._pypi, parse_uvx(args), on_progress, server.pin)
            case ["pipx", "run", *args]:
                command = parse_uvx(args, tool="pipx run", main_flag="--spec")
                return await install_uvx(self._pypi, command, on_progress, server.pin)
            case [python, "-m", module, *args] if python in _PYTHON_COMMANDS and _is_ours(module):
                bundle = await gather_bundle(self._bundled, on_progress)
                # -P keeps the current folder, which may be a workspace, off the import path.
                run = ("-P", "-m", module)
                origin = Origin("bundled", module)
                return Program("python", origin, tuple(args), folder=bundle, interpreter_args=run)
            case _:
                return None


async def _for_image(server: StdioServer, cwd: str | None) -> Prepared:
    if server.command not in _ENGINE_COMMANDS:
        argv = (server.command, *server.args)
        origin = _image(server.image or "", server.pin)
        return Prepared(argv, "image", origin, server.image, server.mounts, server.env, cwd)
    if server.image is not None:
        raise SandboxError(f"sandbox.image and the command {server.command} exclude each other")
    run = parse_docker_run(server.command, server.args, server.env)
    mounts = await anyio.to_thread.run_sync(checked_mounts, (*server.mounts, *run.mounts), server.workspace)
    return Prepared(run.args, "image", _image(run.image, server.pin), run.image, mounts, run.env, cwd)


def _image(asked: str, pin: Origin | None) -> Origin:
    """With the digest that was locked, if it was locked of the same name."""
    is_pinned = pin is not None and (pin.kind, pin.asked) == ("image", asked)
    return pin if pin is not None and is_pinned else Origin("image", asked)


def _command(server: StdioServer) -> Origin:
    """The program and, of an interpreter, its script or module; other arguments may be secret."""
    name = Path(server.command).name
    if server.command in _PYTHON_COMMANDS:
        name = "python3"
    elif server.command not in _NODE_COMMANDS:
        return Origin("command", name)
    match server.args:
        case ["-m", module, *_]:
            return Origin("command", f"{name} -m {module}")
        case [script, *_] if not script.startswith("-"):
            return Origin("command", f"{name} {Path(script).name}")
        case _:
            return Origin("command", name)


def _is_ours(module: str) -> bool:
    return module.startswith(f"{OWN_PACKAGE}.")


def _script_inside(server: StdioServer) -> tuple[str, ...]:
    """The arguments of an interpreter, with the script's path as the box sees it."""
    args: Sequence[str] = server.args
    if not args or args[0].startswith("-"):
        return tuple(args)
    if Path(args[0]).is_absolute():
        return (path_inside(args[0], server.mounts, server.workspace, what="script"), *args[1:])
    if server.cwd is None:
        raise SandboxError(
            f"the script {args[0]!r} is not visible inside the box",
            hint='mount its folder and start there: sandbox.mounts: ["FOLDER:/app"], cwd: /app',
        )
    return tuple(args)
