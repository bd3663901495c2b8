"""What pip has installed in a folder, package by package; and the requirements for just the same elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from sandbox.store.package_sets import Lines, Package, bad_line, parse_lines
from sandbox.store.python_runtime import normalised_name

LOCK_FILE = "toolgate.lock"
"""In each installation: the exact version of everything in it, one `name==version --hash=sha256:...` a line."""
REPORT_FILE = "toolgate.report.json"
"""Where pip reports, until it has been read."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*", re.ASCII)
_INTEGRITY = re.compile(r"sha256-(?P<hex>[0-9a-f]{64})", re.ASCII)
_PIN = re.compile(r"(?P<name>\S+)==(?P<version>\S+?) --hash=sha256:(?P<hex>[0-9a-f]{64})", re.ASCII)


def write_pypi_lock(folder: Path, is_reported: bool) -> None:
    """Write down what was installed. Where pip has not reported, a file of that name is a package's. Blocking."""
    hashes = _reported_hashes(folder / REPORT_FILE) if is_reported else {}
    pins: list[str] = []
    for each in distributions(path=[str(folder)]):
        own = normalised_name(str(each.name))  # None of what is no package, though it is called like one
        pins.append(f"{own}=={each.version}" + (f" --hash=sha256:{hashes[own]}" if own in hashes else ""))
    (folder / LOCK_FILE).write_text("\n".join(sorted(pins)) + "\n")


def _reported_hashes(report: Path) -> dict[str, str]:
    """The digests of the wheels, by name, from pip's report (pip's "Installation Report"), which is removed."""
    said: Any = json.loads(report.read_bytes())
    report.unlink()
    hashes: dict[str, str] = {}
    for each in said.get("install", ()):
        found: Any = each["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if isinstance(found, str):
            hashes[normalised_name(each["metadata"]["name"])] = found
    return hashes


def pypi_packages(folder: Path) -> Lines | None:
    """What is installed; None when the digest of a wheel is not known, as uv tells none. Blocking."""
    try:
        pins = (folder / LOCK_FILE).read_text().splitlines()
    except OSError:
        return None
    found = [_PIN.fullmatch(pin) for pin in pins]
    packages = [Package(pin["name"], pin["version"], f"sha256-{pin['hex']}") for pin in found if pin is not None]
    return tuple(sorted(map(str, packages))) if len(packages) == len(pins) else None


def pypi_integrity(folder: Path, name: str) -> str | None:
    """The digest of the wheel that one package came in, where it is known. Blocking."""
    try:
        pins = (folder / LOCK_FILE).read_text().splitlines()
    except OSError:
        return None
    found = (_PIN.fullmatch(pin) for pin in pins)
    wanted = normalised_name(name)
    return next((f"sha256-{pin['hex']}" for pin in found if pin is not None and pin["name"] == wanted), None)


def locked_requirements(lines: Sequence[str]) -> str:
    """A requirements file that names these packages and no others. Raises SandboxError."""
    pins: list[str] = []
    for line, package in zip(lines, parse_lines(lines), strict=True):
        integrity = _INTEGRITY.fullmatch(package.integrity)
        if integrity is None or not _NAME.fullmatch(package.name) or not _VERSION.fullmatch(package.version):
            raise bad_line(line)
        pins.append(f"{package.name}=={package.version} --hash=sha256:{integrity['hex']}\n")
    return "".join(pins)
