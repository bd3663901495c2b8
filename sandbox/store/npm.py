"""`npx` commands: which package and program they mean, and how npm installs it without running its code."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

import anyio.to_thread

from sandbox.spec import Origin, SandboxError
from sandbox.store.npm_sets import npm_integrity, npm_packages, write_npm_lock
from sandbox.store.package_manager import run_package_manager
from sandbox.store.package_sets import OTHER_HINT, digest_of
from sandbox.store.pins import check_pin, has_pinned
from sandbox.store.prepared import OnProgress, Program
from sandbox.store.shelf import Installed, Request, Shelf

# The registry's grammar for names, and versions, ranges and tags only: no URL, folder, git address or alias.
_NAME = r"(?:@[A-Za-z0-9~_][\w.~-]*/)?[A-Za-z0-9~_][\w.~-]*"
_VERSION = r"[A-Za-z0-9^~<>=*][\w.+^~<>=*| -]*"
_SPEC = re.compile(rf"(?P<name>{_NAME})(?:@(?P<version>{_VERSION}))?", re.ASCII)
_INSTALL_FLAGS = (
    "--ignore-scripts",
    # What a package needs from git is prepared by running what lies there, scripts or not. Older ones know no
    # --allow-git, and nothing else is called by this name.
    "--allow-git=none",
    "--git=/nonexistent/git-is-not-run-for-packages",
    "--no-audit",
    "--no-fund",
    "--omit=dev",
    "--no-bin-links",  # nothing that we start looks for the programs of its dependencies
    "--no-update-notifier",
    "--loglevel=error",
)
_HARMLESS_FLAGS = frozenset({"-y", "--yes", "-q", "--quiet", "--silent", "--prefer-offline"})


@dataclass(frozen=True, slots=True)
class NpmSpec:
    """A package as npm names it; `version` is an exact version, a range or a tag, or None for npm's choice."""

    name: str
    version: str | None

    @classmethod
    def parse(cls, text: str) -> NpmSpec:
        """Parse `name`, `@scope/name` or either with `@version`. Raises SandboxError for anything else."""
        match = _SPEC.fullmatch(text)
        if match is None or len(text) > 300:
            raise SandboxError(
                f"npx: {text!r} is not a package of the registry",
                hint="write name@version; for a local folder use command: node with sandbox.mounts",
            )
        return cls(match["name"], match["version"])

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class NpxCommand:
    """A parsed `npx` command. `program` is None where the only package's own program is meant."""

    packages: tuple[NpmSpec, ...]
    program: str | None
    args: tuple[str, ...]


def parse_npx(args: Sequence[str]) -> NpxCommand:
    """Parse what follows `npx`. Raises SandboxError, naming the flag, for any flag that we do not honour."""
    packages: list[NpmSpec] = []
    rest = list(args)
    while rest and rest[0].startswith("-"):
        flag, _, value = rest.pop(0).partition("=")
        if flag == "--":
            break
        if flag in ("-p", "--package"):
            packages.append(NpmSpec.parse(value or (rest.pop(0) if rest else "")))
        elif flag not in _HARMLESS_FLAGS:
            raise SandboxError(
                f"npx: the flag {flag} is not supported",
                hint="supported are -y, --yes, -q, --quiet, -p and --package",
            )
    if not rest:
        raise SandboxError("npx: no package is named", hint='write args: ["-y", "name@version"]')
    if packages:
        return NpxCommand(tuple(packages), rest[0], tuple(rest[1:]))
    return NpxCommand((NpmSpec.parse(rest[0]),), None, tuple(rest[1:]))


async def install_npx(
    shelf: Shelf, command: NpxCommand, on_progress: OnProgress, pin: Origin | None = None
) -> Program:
    """Install what `command` needs, unless it is there, and find its program.

    Raises SandboxError when npm fails, the packages hold no such program, or they are not what `pin` says.
    """
    main = command.packages[0]
    asked = " ".join(str(package) for package in command.packages)
    specs, packages = command.packages, None
    wanted = pin if pin is not None and (pin.kind, pin.asked) == ("npm", asked) else None
    if wanted is not None and wanted.version:
        there = shelf.find(_request(specs))
        if there is None or not has_pinned(wanted, await _origin(asked, main.name, there)):
            specs, packages = (NpmSpec(main.name, wanted.version), *specs[1:]), wanted.packages
    texts = " ".join(map(str, specs))

    async def install(folder: Path) -> str:
        on_progress(f"npm: installing {texts}")
        if packages is None:
            await _npm_install(folder, specs)
        else:
            await _npm_install_locked(folder, packages, what=f"install {texts}")
        version = await anyio.to_thread.run_sync(_version, folder, main.name)
        check_pin(wanted, await _origin(asked, main.name, Installed(folder, version)))
        on_progress(f"npm: installed {main.name}@{version}")
        return version

    installed = await shelf.get(_request(specs, packages), install)
    origin = await _origin(asked, main.name, installed)
    check_pin(wanted, origin)
    script = await anyio.to_thread.run_sync(find_program, installed.folder, command)
    return Program("node", origin, command.args, folder=installed.folder, script=script)


def _request(specs: Sequence[NpmSpec], packages: Sequence[str] | None = None) -> Request:
    exact = () if packages is None else (f"packages {digest_of(packages)}",)
    wanted = (*(str(spec) for spec in specs), *exact)
    return Request(specs[0].name, wanted, f"node-{platform.system()}-{platform.machine()}".lower())


async def _origin(asked: str, name: str, installed: Installed) -> Origin:
    integrity = await anyio.to_thread.run_sync(npm_integrity, installed.folder, name)
    packages = await anyio.to_thread.run_sync(npm_packages, installed.folder)
    return Origin("npm", asked, installed.version, integrity, packages)


async def _npm_install(folder: Path, specs: Sequence[NpmSpec]) -> None:
    """Install into `folder`. Install scripts do not run: no code of a package runs outside a box."""
    (folder / "package.json").write_text('{"private": true}\n')
    texts = [str(spec) for spec in specs]
    argv = ("npm", "install", *_INSTALL_FLAGS, "--", *texts)
    await run_package_manager(argv, cwd=folder, what=f"install {' '.join(texts)}")


async def _npm_install_locked(folder: Path, packages: Sequence[str], *, what: str) -> None:
    """The same for packages of which each is known."""
    await anyio.to_thread.run_sync(write_npm_lock, folder, packages)
    await run_package_manager(("npm", "ci", *_INSTALL_FLAGS), cwd=folder, what=what, hint=OTHER_HINT)


def find_program(folder: Path, command: NpxCommand) -> PurePosixPath:
    """The script, relative to `folder`, that npx would run: by name, else the package's only or main one.

    Raises SandboxError when there is none, or when several are there and none is the obvious one.
    """
    programs: dict[str, PurePosixPath] = {}
    for package in command.packages:
        programs |= _programs(folder, package.name)
    own_name = command.packages[0].name.rpartition("/")[2]
    if command.program is not None:
        chosen = programs.get(command.program)
    else:
        chosen = next(iter(programs.values())) if len(set(programs.values())) == 1 else programs.get(own_name)
    if chosen is None:
        wanted = command.program or own_name
        there = ", ".join(sorted(programs)) or "none"
        raise SandboxError(
            f"npx: {command.packages[0]} has no program {wanted!r}",
            hint=f"its programs: {there}; choose one with -p PACKAGE PROGRAM",
        )
    return chosen


def _programs(folder: Path, package: str) -> dict[str, PurePosixPath]:
    """The `bin` field of package.json: a table, or one path for a program called like the package."""
    declared: Any = _manifest(folder, package).get("bin")
    if isinstance(declared, str):
        declared = {package.rpartition("/")[2]: declared}
    if not isinstance(declared, dict):
        return {}
    home = PurePosixPath("node_modules", package)
    table = cast("dict[str, object]", declared)
    programs = {name: home / str(path) for name, path in table.items()}
    return {name: path for name, path in programs.items() if _is_inside(path, home) and (folder / path).is_file()}


def _is_inside(path: PurePosixPath, home: PurePosixPath) -> bool:
    return path.is_relative_to(home) and ".." not in path.parts


def _manifest(folder: Path, package: str) -> dict[str, Any]:
    path = folder / "node_modules" / package / "package.json"
    try:
        said: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SandboxError(f"npm: {package} was installed without a readable package.json") from error
    if not isinstance(said, dict):
        raise SandboxError(f"npm: the package.json of {package} is no object")
    return cast("dict[str, Any]", said)


def _version(folder: Path, package: str) -> str:
    version = _manifest(folder, package).get("version")
    if not isinstance(version, str):
        raise SandboxError(f"npm: the package.json of {package} does not say its version")
    return version
