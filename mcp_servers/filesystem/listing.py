"""Listing, searching and describing what lies in a folder. Answers are bounded; links are never entered."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import stat
from datetime import UTC, datetime

from mcp_servers.filesystem.folders import Folders, Place, told

MOST_ENTRIES = 1000
"""The most entries that one listing, and the most paths that one search, returns."""
MOST_VISITED = 50_000
"""The most entries that one search looks at."""

_KINDS = ((stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"), (stat.S_ISLNK, "link"))


def list_folder(folders: Folders, path: str) -> str:
    """One line for each entry, in order: its kind, its size in bytes, its name."""
    lines: list[str] = []
    with told(path), folders.place(path).opened(os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        names = sorted(os.listdir(descriptor))  # noqa: PTH208 - pathlib has no descriptors
        for name in names[:MOST_ENTRIES]:
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue  # it went between the two calls
            lines.append(f"{_kind(status.st_mode):<6} {status.st_size:>12}  {_printable(name)}")
    if len(names) > MOST_ENTRIES:
        lines.append(f"[{len(names) - MOST_ENTRIES} more entries are left out]")
    return "\n".join(lines) or "The folder is empty."


def search(folders: Folders, path: str, pattern: str) -> str:
    """The paths, relative to `path`, whose name (or, if the pattern has a slash, whose path) matches."""
    whole_path = "/" in pattern
    found: list[str] = []
    visited = 0
    with told(path), folders.place(path).opened(os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        for above, inner, files, _ in os.fwalk(".", dir_fd=descriptor, follow_symlinks=False):
            inner.sort()
            for name in sorted((*inner, *files)):
                visited += 1
                below = posixpath.normpath(posixpath.join(above, name))
                if fnmatch.fnmatchcase(below if whole_path else name, pattern):
                    found.append(_printable(below))
            if visited > MOST_VISITED or len(found) > MOST_ENTRIES:
                return "\n".join((*found[:MOST_ENTRIES], "[there may be more: search in a smaller folder]"))
    return "\n".join(found) or "Nothing matches."


def describe(folders: Folders, path: str) -> str:
    """Kind, size, times and permissions of one file, folder or link; a link is not followed."""
    place = folders.place(path)
    with told(path), place.opened(os.O_PATH | os.O_NOFOLLOW) as descriptor:
        status = os.fstat(descriptor)
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
    return "\n".join(
        (
            f"kind: {_kind(status.st_mode)}",
            f"size: {status.st_size} bytes",
            f"changed: {changed}",
            f"permissions: {stat.filemode(status.st_mode)}",
        )
    )


def make_folder(folders: Folders, path: str) -> bool:
    """Make a folder and those above it; returns whether it is new."""
    place = folders.place(path)
    made = False
    parts = [] if place.relative == "." else place.relative.split("/")
    with told(path):
        for depth in range(1, len(parts) + 1):
            made = _make_one(Place(place.folder, "/".join(parts[:depth]), path))
        with place.opened(os.O_RDONLY | os.O_DIRECTORY):
            return made


def _make_one(place: Place) -> bool:
    with place.parent() as parent:
        try:
            os.mkdir(place.name, 0o755, dir_fd=parent)
        except FileExistsError:
            return False
    return True


def _kind(mode: int) -> str:
    return next((name for test, name in _KINDS if test(mode)), "other")


def _printable(name: str) -> str:
    """Names are bytes to the kernel; what is no UTF-8, or would break the line, is escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\n", "\\n")
