"""What npm has installed in a folder, package by package; and the same in another folder, byte for byte.

npm's hidden lock file says what lies where. It is written down without the addresses that things came from: npm
finds a version in the registry that it is set to use, and holds it to the digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sandbox.store.package_sets import Lines, Package, bad_line, parse_lines

_NAME = r"(?:@[\w~-][\w.~-]*/)?[\w~-][\w.~-]*"  # none begins with a dot, as `..` does
_PLACE = re.compile(rf"{_NAME}(?:/node_modules/{_NAME})*", re.ASCII)
_VERSION = re.compile(rf"(?:npm:(?P<alias>{_NAME})@)?(?P<version>[0-9A-Za-z][\w.+-]*)", re.ASCII)
_ROOT = "node_modules/"


def npm_packages(folder: Path) -> Lines | None:
    """What is installed; None when npm does not know the digest of every archive. Blocking."""
    packages = _entries(folder)
    if packages is None:
        return None
    try:
        return tuple(sorted(str(package) for package in _packages(packages)))
    except (KeyError, TypeError, AttributeError):
        return None


def npm_integrity(folder: Path, package: str) -> str | None:
    """What the registry said of one package's archive, and npm checked. Blocking."""
    found: Any = (_entries(folder) or {}).get(f"{_ROOT}{package}")
    integrity: Any = cast("dict[str, Any]", found).get("integrity") if isinstance(found, dict) else None
    return integrity if isinstance(integrity, str) and integrity else None


def _entries(folder: Path) -> Mapping[str, Any] | None:
    try:
        said: Any = json.loads((folder / "node_modules" / ".package-lock.json").read_bytes())
        found: Any = said["packages"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _packages(entries: Mapping[str, Any]) -> Iterator[Package]:
    """Raises KeyError for one that came from elsewhere than a registry."""
    for path, entry in entries.items():
        if entry.get("inBundle"):  # it is a part of the archive of the package that it lies in
            continue
        place, alias, version = path.removeprefix(_ROOT), entry.get("name"), entry["version"]
        if not _PLACE.fullmatch(place) or not _VERSION.fullmatch(version):
            raise KeyError(path)
        yield Package(place, f"npm:{alias}@{version}" if alias else version, entry["integrity"])


def write_npm_lock(folder: Path, lines: Sequence[str]) -> None:
    """Write the files from which `npm ci` makes an installation of just these packages. Blocking.

    The packages are made to depend on each other in the way that they lie, since npm leaves out what nobody needs.
    Raises SandboxError.
    """
    root: dict[str, Any] = {"private": True, "dependencies": {}}
    entries: dict[str, dict[str, Any]] = {"": root}
    for line, package in zip(lines, parse_lines(lines), strict=True):
        version = _VERSION.fullmatch(package.version)
        if version is None or not _PLACE.fullmatch(package.name):
            raise bad_line(line)
        entry = entries.setdefault(f"{_ROOT}{package.name}", {})
        entry |= {"version": version["version"], "integrity": package.integrity}
        entry |= {"name": version["alias"]} if version["alias"] else {}
        within, _, name = package.name.rpartition(f"/{_ROOT}")
        holder = entries.setdefault(f"{_ROOT}{within}" if within else "", {})
        holder.setdefault("dependencies", {})[name] = package.version
    (folder / "package.json").write_text(json.dumps(root))
    lock = {"lockfileVersion": 3, "requires": True, "packages": entries}
    (folder / "package-lock.json").write_text(json.dumps(lock))
