"""`uvx` and `pipx run` commands: which packages they mean, and how they come here without running their code."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path

import anyio.to_thread

from sandbox.spec import Origin, SandboxError
from sandbox.store.package_manager import run_package_manager
from sandbox.store.package_sets import OTHER_HINT, digest_of
from sandbox.store.pins import check_pin, has_pinned
from sandbox.store.prepared import OnProgress, Program
from sandbox.store.pypi_sets import (
    REPORT_FILE,
    locked_requirements,
    pypi_integrity,
    pypi_packages,
    write_pypi_lock,
)
from sandbox.store.python_runtime import compile_packages, normalised_name, runtime_tag
from sandbox.store.shelf import Installed, Request, Shelf

# PEP 508 names with extras and PEP 440 specifiers; markers and URLs are left out on purpose.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_SPECIFIER = r"\s*(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+\s*"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})(?P<extras>\[\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\])?"
    rf"(?:@(?P<at>[A-Za-z0-9][A-Za-z0-9.+!_-]*)|(?P<specifiers>{_SPECIFIER}(?:,{_SPECIFIER})*))?"
)
_HARMLESS_FLAGS = frozenset({"-q", "--quiet", "--isolated", "-n", "--no-cache", "--no-progress"})
_WITH_FLAGS = frozenset({"--with", "-w"})
_MOST_EXTRA = 32  # requirements beside the package itself
# A comma before a version goes on with it, and one in brackets is between extras: all others begin a requirement.
_BETWEEN_REQUIREMENTS = re.compile(r",(?!\s*[=<>~!])(?![^\[\]]*\])")
_REQUIREMENTS = "toolgate.requirements.txt"
# pip builds what a package names by URL, whatever it is told of wheels. So it starts no process, but to ask musl
# for its version.
_PIP = """
import os, runpy, sys

def refuse(event, args):
    program = os.path.basename(os.fsdecode(args[0] or args[1][0])) if event == "subprocess.Popen" else ""
    if program and not program.startswith("ld-musl"):
        raise OSError(f"{program} is not run: what a package names by URL has to be a wheel, too")

sys.addaudithook(refuse)
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
# Evaluated inside the box. `-P` keeps the current folder, which may be a workspace, off the import path.
_LAUNCHER = "import sys\nfrom {module} import {first}\nsys.argv[0] = {name!r}\nsys.exit({attribute}())"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package of an index: its name and, as pip reads it, the requirement with extras and versions."""

    name: str
    text: str
    extras: str = ""

    @property
    def project(self) -> str:
        """The name with its extras."""
        return f"{self.name}{self.extras}"

    @classmethod
    def parse(cls, text: str, tool: str) -> Requirement:
        """Parse `name`, `name[extra]==1.2` or `name@1.2` (`@latest` is any). Raises SandboxError for the rest."""
        match = _REQUIREMENT.fullmatch(text.strip())
        if match is None or len(text) > 300:
            raise SandboxError(
                f"{tool}: {text!r} is not a package of the index",
                hint="write name or name==version; for local code use command: python3 with sandbox.mounts",
            )
        at = match["at"]
        specifiers = f"=={at}" if at and at != "latest" else (match["specifiers"] or "").replace(" ", "")
        extras = match["extras"] or ""
        return cls(match["name"], f"{match['name']}{extras}{specifiers}", extras)


@dataclass(frozen=True, slots=True)
class UvxCommand:
    """A parsed `uvx` or `pipx run`: `main` brings the `program`, `extra` are installed beside it."""

    main: Requirement
    extra: tuple[Requirement, ...]
    program: str
    args: tuple[str, ...]


def parse_uvx(args: Sequence[str], *, tool: str = "uvx", main_flag: str = "--from") -> UvxCommand:
    """Parse what follows `uvx` (or `pipx run`, whose `main_flag` is `--spec`).

    Raises SandboxError, naming the flag, for any flag that we do not honour.
    """
    main: Requirement | None = None
    extra: list[Requirement] = []
    rest = list(args)
    while rest and rest[0].startswith("-"):
        flag, _, value = rest.pop(0).partition("=")
        if flag == "--":
            break
        if flag == main_flag:
            main = Requirement.parse(value or _value(flag, rest, tool), tool)
        elif flag in _WITH_FLAGS:
            extra += _parse_several(value or _value(flag, rest, tool), tool)
        elif flag not in _HARMLESS_FLAGS:
            raise SandboxError(
                f"{tool}: the flag {flag} is not supported", hint=f"supported are {main_flag}, --with and --quiet"
            )
    if len(extra) > _MOST_EXTRA:
        raise SandboxError(f"{tool}: {len(extra)} requirements stand in --with; {_MOST_EXTRA} may")
    if not rest:
        raise SandboxError(f"{tool}: no package is named", hint='write args: ["name==version"]')
    program = rest[0]
    if main is None:
        main = Requirement.parse(program, tool)
        program = main.name
    return UvxCommand(main, tuple(extra), program, tuple(rest[1:]))


def _value(flag: str, rest: list[str], tool: str) -> str:
    if not rest:
        raise SandboxError(f"{tool}: no package follows the flag {flag}", hint=f'write "{flag}", "name==version"')
    return rest.pop(0)


def _parse_several(text: str, tool: str) -> list[Requirement]:
    """What one `--with` says: `mcp<2`, or several as in `mcp>=1,<2,psycopg[binary,pool]`."""
    return [Requirement.parse(part, tool) for part in _BETWEEN_REQUIREMENTS.split(text)]


async def install_uvx(
    shelf: Shelf, command: UvxCommand, on_progress: OnProgress, pin: Origin | None = None
) -> Program:
    """Install what `command` needs, unless it is there, and find its program.

    Raises SandboxError when no wheel fits, the package has no such program, or is not what `pin` says.
    """
    main = command.main
    requirements = tuple(requirement.text for requirement in (main, *command.extra))
    asked, packages = " ".join(requirements), None
    wanted = pin if pin is not None and (pin.kind, pin.asked) == ("pypi", asked) else None
    if wanted is not None and wanted.version:
        there = shelf.find(_request(main, requirements))
        if there is None or not has_pinned(wanted, await _origin(asked, main.name, there)):
            requirements = (f"{main.project}=={wanted.version}", *requirements[1:])
            packages = wanted.packages

    async def install(folder: Path) -> str:
        on_progress(f"pip: installing {' '.join(requirements)}")
        is_reported = await _pip_install(folder, requirements, packages)
        await compile_packages(folder)
        await anyio.to_thread.run_sync(write_pypi_lock, folder, is_reported)
        version = _distribution(folder, main.name).version
        check_pin(wanted, await _origin(asked, main.name, Installed(folder, version)))
        on_progress(f"pip: installed {main.name}=={version}")
        return version

    installed = await shelf.get(_request(main, requirements, packages), install)
    origin = await _origin(asked, main.name, installed)
    check_pin(wanted, origin)
    entry = await anyio.to_thread.run_sync(find_entry_point, installed.folder, command)
    run = launcher_args(entry)
    return Program("python", origin, command.args, folder=installed.folder, interpreter_args=run)


def _request(main: Requirement, requirements: Sequence[str], packages: Sequence[str] | None = None) -> Request:
    exact = () if packages is None else (f"packages {digest_of(packages)}",)
    return Request(main.name, (*requirements, *exact), runtime_tag())


async def _origin(asked: str, name: str, installed: Installed) -> Origin:
    integrity = await anyio.to_thread.run_sync(pypi_integrity, installed.folder, name)
    packages = await anyio.to_thread.run_sync(pypi_packages, installed.folder)
    return Origin("pypi", asked, installed.version, integrity, packages)


def find_entry_point(folder: Path, command: UvxCommand) -> EntryPoint:
    """The console script that the command names, among those of its main package. Raises SandboxError.

    Where it names none, the package's only one is meant, whatever that is called.
    """
    package = _distribution(folder, command.main.name)
    scripts = {entry.name: entry for entry in package.entry_points.select(group="console_scripts")}
    wanted = normalised_name(command.program)
    for name, entry in scripts.items():
        if normalised_name(name) == wanted:
            return entry
    if len(scripts) == 1 and command.program == command.main.name:
        return next(iter(scripts.values()))
    there = ", ".join(sorted(scripts)) or "none"
    raise SandboxError(
        f"{command.main.name} has no program {command.program!r}",
        hint=f"its programs: {there}; choose one with --from {command.main.name} PROGRAM",
    )


def launcher_args(entry: EntryPoint) -> tuple[str, ...]:
    """Arguments for the interpreter that do what the generated console script would do."""
    if not re.fullmatch(r"[\w.]+", entry.module) or not re.fullmatch(r"[\w.]+", entry.attr):
        raise SandboxError(f"the entry point {entry.name!r} is malformed: {entry.value!r}")
    first = entry.attr.partition(".")[0]
    code = _LAUNCHER.format(module=entry.module, first=first, name=entry.name, attribute=entry.attr)
    return ("-P", "-c", code)


async def _pip_install(folder: Path, requirements: Sequence[str], packages: Sequence[str] | None) -> bool:
    """Install wheels only: building from source would run the package's code here, outside any box.

    With `packages`, those and no others. Whether there is a report.
    """
    common = ("--quiet", "--target", str(folder), "--only-binary", ":all:")
    has_pip = importlib.util.find_spec("pip") is not None
    if has_pip:
        tool = (
            sys.executable,
            "-P",
            "-c",
            _PIP,
            "install",
            "--no-compile",
            "--no-input",
            "--disable-pip-version-check",
            "--report",
            str(folder / REPORT_FILE),
        )
    elif uv := shutil.which("uv"):
        tool = (uv, "pip", "install", "--python", sys.executable)
    else:
        raise SandboxError(
            "neither pip nor uv is here to install packages",
            hint=f"run {sys.executable} -m ensurepip, or install uv",
        )
    what = f"install {' '.join(requirements)} from wheels (nothing is built from source)"
    if packages is None:
        await run_package_manager((*tool, *common, "--", *requirements), cwd=folder, what=what)
        return has_pip
    file = folder / _REQUIREMENTS
    file.write_text(locked_requirements(packages))
    exact = ("--require-hashes", "--no-deps", "--requirement", str(file))
    await run_package_manager((*tool, *common, *exact), cwd=folder, what=what, hint=OTHER_HINT)
    file.unlink()
    return has_pip


def _distribution(folder: Path, name: str) -> Distribution:
    for distribution in distributions(path=[str(folder)]):
        if normalised_name(distribution.name) == normalised_name(name):
            return distribution
    raise SandboxError(f"pip installed no package called {name}")
