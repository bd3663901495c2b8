"""Installed packages on disk: each in a folder of its own, complete or not there at all.

    <root>/<name>@<version>-<digest>/     what was installed, read-only
    <root>/.requests/<digest>.json        which folder answers a request: a range or tag is resolved once
    <root>/.partial/<digest>/             an installation under way, or one that a crash left behind
    <root>/.locks/<digest>                held while a request is being installed, by any process

A request is looked up by the digest of all that it says, so `name@latest` keeps its version, and needs no
network, until its folder is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from sandbox.file_lock import file_lock
from sandbox.spec import SandboxError

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]{0,127}", re.ASCII)
"""What npm and Python have for versions, and what a part of the name of a folder can be."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to install. `runtime` names the interpreter and platform for which it will be built."""

    name: str
    requirements: tuple[str, ...]
    runtime: str

    @property
    def digest(self) -> str:
        """Identifies the request: sixteen hexadecimal digits."""
        said = json.dumps([self.name, sorted(self.requirements), self.runtime])
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Installed:
    """A finished installation. `version` is the exact version of the package that was asked for."""

    folder: Path
    version: str


Install = Callable[[Path], Awaitable[str]]
"""Fills an empty folder and returns the exact version which came. Raises SandboxError."""


class Shelf:
    """The installed packages of one kind, beneath `root`. Safe for concurrent use by tasks and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, request: Request) -> Installed | None:
        """The installation that answers `request`, if there is one. Blocking, quick."""
        try:
            record = json.loads(self._record(request).read_bytes())
            installed = Installed(self._root / record["folder"], record["version"])
        except (FileNotFoundError, ValueError, KeyError):
            return None
        return installed if installed.folder.is_dir() else None

    async def get(self, request: Request, install: Install) -> Installed:
        """The installation that answers `request`; `install` is called when there is none yet.

        Raises what `install` raises, and SandboxError for a version that is none; nothing of a failed installation
        stays visible.
        """
        if found := self.find(request):
            return found
        async with file_lock(self._root / ".locks" / request.digest):
            # Another task or process may have been quicker while this one waited for the lock.
            return self.find(request) or await self._install(request, install)

    async def _install(self, request: Request, install: Install) -> Installed:
        partial = self._root / ".partial" / request.digest
        await anyio.to_thread.run_sync(_make_empty, partial)
        try:
            version = await install(partial)
            if _VERSION.fullmatch(version) is None:
                raise SandboxError(f"{request.name} says that its version is {version[:80]!r}, which is none")
            return await anyio.to_thread.run_sync(self._publish, request, partial, version)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(lambda: shutil.rmtree(partial, ignore_errors=True))

    def _publish(self, request: Request, partial: Path, version: str) -> Installed:
        folder = self._root / f"{request.name.replace('/', '+')}@{version}-{request.digest}"
        _make_read_only(partial)
        if folder.exists():  # its record was lost or damaged; the fresh installation takes its place
            remove_read_only(folder)
        partial.rename(folder)
        folder.chmod(0o555)
        record = self._record(request)
        record.parent.mkdir(parents=True, exist_ok=True)
        draft = record.with_suffix(".new")
        asked = {"name": request.name, "requirements": request.requirements, "runtime": request.runtime}
        draft.write_text(json.dumps({**asked, "version": version, "folder": folder.name}, indent=2) + "\n")
        draft.replace(record)
        return Installed(folder, version)

    def _record(self, request: Request) -> Path:
        return self._root / ".requests" / f"{request.digest}.json"


def remove_read_only(folder: Path) -> None:
    """Remove a folder of the shelf, whose write permission was taken away. Blocking."""
    for inside, _, _ in os.walk(folder):
        Path(inside).chmod(0o755)
    shutil.rmtree(folder)


def _make_empty(folder: Path) -> None:
    if folder.exists():
        remove_read_only(folder)
    folder.mkdir(parents=True)


def _make_read_only(folder: Path) -> None:
    """Readable for every user, because boxes run as another one; writable for none.

    The folder itself stays writable for its owner: renaming a folder needs that.
    """
    for inside, folders, files in os.walk(folder):
        for name in files:
            file = Path(inside, name)
            if not file.is_symlink():
                was_program = file.stat().st_mode & 0o111
                file.chmod(0o444)
                if was_program or _is_binary(file):
                    file.chmod(0o555)
        for name in folders:
            below = Path(inside, name)
            if not below.is_symlink():
                below.chmod(0o755)
    for inside, _, _ in os.walk(folder, topdown=False):
        Path(inside).chmod(0o755 if Path(inside) == folder else 0o555)


def _is_binary(file: Path) -> bool:
    """Whether it is a program or a library of Linux. Wheels do not always mark the programs that they hold.

    Those who mend that themselves when they start cannot in a box.
    """
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"
