"""The folders that a server may touch, and how a tool's path argument leads beneath one of them.

Every operation goes through a descriptor that `beneath` opened, so there is no moment between a check and a use.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import stat
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from mcp_servers.filesystem.beneath import open_beneath

_MESSAGES = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a folder, or something on the way is none",
    errno.EISDIR: "is a folder",
    errno.EEXIST: "exists already",
    errno.EXDEV: "leads out of the allowed folders",
    errno.ELOOP: "is, or goes through, a link that is not followed",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
    errno.EROFS: "lies on a read-only file system",
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "no space is left",
    errno.EFBIG: "the file would be too large",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTEMPTY: "the folder is not empty",
    errno.ENXIO: "is not a regular file",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A path within one of the folders: `relative` has no `..`, and is `.` for the folder itself."""

    folder: int
    relative: str
    shown: str

    @property
    def name(self) -> str:
        """The last component. Raises ToolError for the folder itself, which has no name in here."""
        if self.relative == ".":
            raise ToolError(f"{self.shown}: is one of the allowed folders itself")
        return posixpath.basename(self.relative)

    def open(self, flags: int, mode: int = 0) -> int:
        """Open it; the descriptor is the caller's. Raises OSError."""
        return open_beneath(self.folder, self.relative, flags, mode)

    @contextlib.contextmanager
    def opened(self, flags: int) -> Generator[int]:
        """Open it for the length of a block. Raises OSError."""
        descriptor = self.open(flags)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def parent(self) -> Generator[int]:
        """The descriptor of the folder that it lies in. Raises ToolError, also for an allowed folder itself."""
        _ = self.name
        above = Place(self.folder, posixpath.dirname(self.relative) or ".", f"the folder of {self.shown}")
        with told(above.shown):
            descriptor = above.open(os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


class Folders:
    """The allowed folders, held open from the start, so that what they are cannot be exchanged later."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = [posixpath.normpath(path) for path in paths]
        self._descriptors = [os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for path in self._paths]

    @property
    def shown(self) -> str:
        """The folders' paths, for people and models."""
        return ", ".join(self._paths)

    def place(self, path: str) -> Place:
        """Where `path` leads: absolute beneath one of the folders, or relative to the first. Raises ToolError.

        `..` is taken away as text before anything is opened, which is also how policies read paths.
        """
        if "\0" in path:
            raise ToolError("a path cannot hold a NUL character")
        whole = posixpath.normpath(posixpath.join(self._paths[0], path))
        whole = "/" + whole.lstrip("/")  # two leading slashes are kept by POSIX, and mean the same here
        found = [index for index, root in enumerate(self._paths) if whole == root or whole.startswith(f"{root}/")]
        if not found:
            raise ToolError(f"{path}: lies outside the allowed folders ({self.shown})")
        index = max(found, key=lambda candidate: len(self._paths[candidate]))
        return Place(self._descriptors[index], posixpath.relpath(whole, self._paths[index]), path)


@contextlib.contextmanager
def told(path: str) -> Generator[None]:
    """Turn an OSError of the block into a ToolError that says what is wrong with `path`."""
    try:
        yield
    except OSError as error:
        raise ToolError(
            f"{path}: {_MESSAGES.get(error.errno or 0, error.strerror or 'cannot be used')}"
        ) from error


def require_regular(descriptor: int, path: str) -> os.stat_result:
    """The file's status. Raises ToolError unless it is a regular file: devices and pipes are not for tools."""
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise ToolError(f"{path}: is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise ToolError(f"{path}: is not a regular file")
    return status
