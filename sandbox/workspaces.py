"""The writable folder that each key has with each server which asks for one.

Above: `sandbox.sandbox` mounts them. Refuses to know: what is in them. Nothing here opens a file inside a
workspace: its content is the box's, and a link in it may point anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import secrets
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

from sandbox.locations import make_passable

_LONGEST_NAME = 64  # characters

BOX_UID = 65534
"""The user, called nobody, as which boxes run when the gateway itself is root."""


def box_user() -> tuple[int, int]:
    """The user and group as which boxes run: nobody if we are root, else ourselves."""
    return (BOX_UID, BOX_UID) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


class Workspaces:
    """Workspaces beneath `state_dir`, one per server and owner; they outlive the box and the gateway."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "workspaces"

    def path_for(self, server: str, owner: str) -> Path:
        """The workspace of `owner` (a key id) with `server`; made when it is not there. Blocking, quick."""
        shelf = self._shelf(folder_name(server))
        path = shelf / folder_name(owner)
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)  # the box may have opened its own folder to others
        _hand_over(path)
        return path

    @contextlib.contextmanager
    def empty(self) -> Generator[Path]:
        """A new empty workspace, removed on leaving. Blocking, quick."""
        path = Path(tempfile.mkdtemp(prefix="empty-", dir=self._shelf("temporary")))
        try:
            _hand_over(path)
            yield path
        finally:
            # What a box left behind may belong to another user; an unremovable rest must not fail the caller.
            with contextlib.suppress(OSError):
                _remove(path)

    def _shelf(self, name: str) -> Path:
        """A folder of workspaces, which nobody but the box's user can pass through, and none can list.

        Others are kept out because a box may leave programs there that run with its user's rights (set-user-ID).
        """
        shelf = self._folder / name
        for folder in (self._folder, shelf):
            make_passable(folder, 0o700)
            if os.geteuid() == 0:
                os.chown(folder, 0, BOX_UID)
                folder.chmod(0o710)
            else:
                folder.chmod(0o700)
        return shelf


def folder_name(identifier: str) -> str:
    """A safe folder name for any text: its readable part, and a digest so that no two texts share one.

    What is longer than any name that an operator gives was made of what others say: its digest is of full length.
    """
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", identifier)[:32]
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{readable}-{digest[:12] if len(identifier) <= _LONGEST_NAME else digest}"


def _hand_over(path: Path) -> None:
    """Give the folder to the user as which boxes run; without root's rights boxes run as ourselves."""
    if os.geteuid() == 0:
        os.chown(path, BOX_UID, BOX_UID, follow_symlinks=False)


def _remove(path: Path) -> None:
    """Remove a folder with all that is in it, however deep: folders within are emptied into it, never descended.

    Nothing may run in it any more. Blocking. Raises OSError.
    """
    root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        prefix, numbers = secrets.token_hex(8), itertools.count()
        while names := os.listdir(root):  # noqa: PTH208 - a descriptor
            for name in names:
                try:
                    os.unlink(name, dir_fd=root)
                except IsADirectoryError:
                    _flatten(name, root, (f"{prefix}-{number}" for number in numbers))
    finally:
        os.close(root)
    path.rmdir()


def _flatten(name: str, root: int, new_names: Iterator[str]) -> None:
    """Move what is in a folder of `root` to `root`, and remove the folder."""
    os.chmod(name, 0o700, dir_fd=root)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    try:
        for inner in os.listdir(folder):  # noqa: PTH208 - a descriptor
            os.rename(inner, next(new_names), src_dir_fd=folder, dst_dir_fd=root)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=root)
