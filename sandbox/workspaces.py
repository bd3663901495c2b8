"""The writable folder that each key has with each server which asks for one.

Above: `sandbox.sandbox` mounts them. Refuses to know: what is in them. Nothing here opens a file inside a
workspace: its content is the box's, and a link in it may point anywhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from sandbox.locations import make_passable

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
            shutil.rmtree(path, ignore_errors=True)

    def _shelf(self, name: str) -> Path:
        """A folder of workspaces: passable for the box's user on its way in, but not to be listed."""
        shelf = self._folder / name
        make_passable(self._folder, 0o711)
        make_passable(shelf, 0o711)
        return shelf


def folder_name(identifier: str) -> str:
    """A safe folder name for any text: its readable part, and a digest so that no two texts share one."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", identifier)[:32]
    return f"{readable}-{hashlib.sha256(identifier.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _hand_over(path: Path) -> None:
    """Give the folder to the user as which boxes run; without root's rights boxes run as ourselves."""
    if os.geteuid() == 0:
        os.chown(path, BOX_UID, BOX_UID, follow_symlinks=False)
