"""Reading and writing one file. Texts are UTF-8; sizes are bounded; every failure is a ToolError."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat

from mcp.server.mcpserver.exceptions import ToolError

from mcp_servers.filesystem.folders import Folders, Place, require_regular, told

LARGEST_FILE = 16 * 1024 * 1024
"""The longest file, in bytes, that is read or written."""
LARGEST_ANSWER = 256 * 1024
"""The longest text, in bytes, that one call of read_file returns."""


def read_text(folders: Folders, path: str, offset: int, limit: int) -> str:
    """Lines `offset` (counting from 1) and on, at most `limit`, and a note when there is more to read."""
    lines = _load(folders.place(path)).splitlines(keepends=True)
    chosen = lines[offset - 1 : offset - 1 + limit]
    text, shown = _cut(chosen)
    if offset == 1 and shown == len(lines):
        return text
    if not shown and offset > 1:
        raise ToolError(f"{path}: has only {len(lines)} lines")
    rest = f"; read on with offset {offset + shown}" if offset - 1 + shown < len(lines) else ""
    return f"{text}\n[lines {offset} to {offset - 1 + shown} of {len(lines)}{rest}]"


def _cut(lines: list[str]) -> tuple[str, int]:
    """As many whole lines as fit into an answer, and their number; of a first line too long, its beginning."""
    size = 0
    for count, line in enumerate(lines):
        size += len(line.encode())
        if size > LARGEST_ANSWER:
            if count == 0:
                beginning = line.encode()[:LARGEST_ANSWER].decode(errors="ignore")
                return f"{beginning}\n[the rest of this line is left out]", 1
            return "".join(lines[:count]), count
    return "".join(lines), len(lines)


def write_text(folders: Folders, path: str, text: str) -> int:
    """Write the whole file, all or nothing; returns its size in bytes."""
    return _store(folders.place(path), text)


def edit_text(folders: Folders, path: str, old: str, new: str, *, every: bool) -> int:
    """Replace `old`, which must occur exactly once unless `every` is set; returns the number of places."""
    place = folders.place(path)
    text = _load(place)
    count = text.count(old)
    if count == 0:
        raise ToolError(f"{path}: the text to replace is not in the file")
    if count > 1 and not every:
        raise ToolError(f"{path}: the text to replace is there {count} times; give more of it, or set replace_all")
    _store(place, text.replace(old, new))
    return count


def delete(folders: Folders, path: str) -> None:
    """Delete a file or a link; never a folder."""
    place = folders.place(path)
    with told(path), place.parent() as parent:
        if stat.S_ISDIR(os.stat(place.name, dir_fd=parent, follow_symlinks=False).st_mode):
            raise ToolError(f"{path}: is a folder")
        os.unlink(place.name, dir_fd=parent)


def _load(place: Place) -> str:
    with told(place.shown), place.opened(os.O_RDONLY) as descriptor:
        if require_regular(descriptor, place.shown).st_size > LARGEST_FILE:
            raise ToolError(f"{place.shown}: is longer than {LARGEST_FILE} bytes")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            # A file may grow while it is read.
            content = file.read(LARGEST_FILE + 1)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{place.shown}: is not UTF-8 text") from None


def _store(place: Place, text: str) -> int:
    """Write beside the file, then rename: a reader sees the old or the new text, and a link is replaced."""
    try:
        content = text.encode()
    except UnicodeEncodeError:
        raise ToolError("the text holds half a surrogate pair, which UTF-8 cannot say") from None
    if len(content) > LARGEST_FILE:
        raise ToolError(f"{place.shown}: would be longer than {LARGEST_FILE} bytes")
    draft = f".{secrets.token_hex(8)}.draft"
    with told(place.shown), place.parent() as parent:
        mode = _mode_of_existing(place, parent)
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=parent)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(draft, place.name, src_dir_fd=parent, dst_dir_fd=parent)
        except OSError:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=parent)
            raise
    return len(content)


def _mode_of_existing(place: Place, parent: int) -> int:
    """The permissions that a rewritten file keeps. Raises ToolError when a folder or a device is in its place."""
    try:
        status = os.stat(place.name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    if stat.S_ISLNK(status.st_mode):
        return 0o644
    if not stat.S_ISREG(status.st_mode):
        raise ToolError(f"{place.shown}: is a folder" if stat.S_ISDIR(status.st_mode) else "is not a regular file")
    return stat.S_IMODE(status.st_mode) & 0o777
