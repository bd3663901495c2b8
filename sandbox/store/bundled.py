"""Our own servers, and the MCP SDK, gathered from the running installation for use inside boxes.

Nothing is fetched: `mcp_servers` and the installed closure of `mcp` are copied from where this process imports
them. The folder also serves as import path for servers that people write in Python, which need the SDK too.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import anyio.to_thread

from sandbox.spec import SandboxError
from sandbox.store.prepared import OnProgress
from sandbox.store.python_runtime import compile_packages, normalised_name, runtime_tag
from sandbox.store.shelf import Request, Shelf

OWN_PACKAGE = "mcp_servers"
_SDK = "mcp"
_TIME_ZONES = "tzdata"
"""Taken along where it is installed: a box may lack the system's time zone data."""


async def gather_bundle(shelf: Shelf, on_progress: OnProgress) -> Path:
    """The folder with our servers and the SDK; made when it is not there, or when anything in it has changed.

    Raises SandboxError when this process does not run from an ordinary installation.
    """
    own = _own_package()
    sdk = await anyio.to_thread.run_sync(installed_closure, _SDK, _TIME_ZONES)
    request = await anyio.to_thread.run_sync(_request, own, sdk)

    async def install(folder: Path) -> str:
        on_progress("gathering our own servers and the MCP SDK")
        await anyio.to_thread.run_sync(_copy, own, sdk, folder)
        await compile_packages(folder)
        return sdk[_SDK].version

    return (await shelf.get(request, install)).folder


def installed_closure(name: str, *more: str) -> dict[str, Distribution]:
    """The installed distribution `name` and all that it needs, by normalised name; `more` where they are here.

    Environment markers are judged by what is installed: a requirement that is not here was not for this platform.
    Raises SandboxError when `name` is not installed.
    """
    found: dict[str, Distribution] = {}
    todo: list[tuple[str, frozenset[str]]] = [(wanted, frozenset()) for wanted in (name, *more)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted, extras = item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        try:
            package = found.get(wanted) or distribution(wanted)
        except PackageNotFoundError:
            continue
        found[wanted] = package
        todo += _requirements(package, extras)
    if name not in found:
        raise SandboxError(
            f"the package {name!r} is not installed here", hint="install toolgate with its dependencies"
        )
    return found


def _requirements(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for requirement in package.requires or ():
        what, _, marker = requirement.partition(";")
        only_for = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if only_for and only_for[1] not in extras:
            continue
        if match := re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", what):
            brought = frozenset(part.strip() for part in (match[2] or "").split(",") if part.strip())
            yield normalised_name(match[1]), brought


def _own_package() -> Path:
    spec = importlib.util.find_spec(OWN_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise SandboxError(f"the package {OWN_PACKAGE!r} is not installed here")
    return Path(places[0])


def _sources(own: Path) -> list[Path]:
    return sorted(path for path in own.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _request(own: Path, sdk: dict[str, Distribution]) -> Request:
    """Content-addressed: our files by their bytes, installed packages by their versions."""
    digest = hashlib.sha256()
    for path in _sources(own):
        digest.update(f"{path.relative_to(own)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    pins = (f"{name}=={package.version}" for name, package in sdk.items())
    return Request(OWN_PACKAGE, (*pins, f"{OWN_PACKAGE}:{digest.hexdigest()}"), runtime_tag())


def _copy(own: Path, sdk: dict[str, Distribution], folder: Path) -> None:
    for path in _sources(own):
        _copy_file(path, folder / OWN_PACKAGE / path.relative_to(own))
    for package in sdk.values():
        for entry in package.files or ():
            # Scripts lie beside the packages (`../../bin`), and compiled files are made anew.
            if entry.parts[0] != ".." and "__pycache__" not in entry.parts:
                _copy_file(Path(str(entry.locate())), folder / entry)


def _copy_file(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(source.stat().st_mode & 0o777)
