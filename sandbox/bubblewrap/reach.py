"""Whether boxes' user can get to what is to be mounted: bubblewrap mounts with that user's rights."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.spec import BoxSpec, SandboxError
from sandbox.workspaces import box_user


def check_reach(spec: BoxSpec) -> None:
    """Raises SandboxError, naming what is missing, or the folder in the way of the user nobody. Blocking, quick.

    Without root's rights boxes run as ourselves, and what exists for us can be reached by them.
    """
    sources = [mount.source for mount in spec.mounts]
    for path in (*sources, *([spec.root.folder] if spec.root.folder else [])):
        if not path.exists():
            raise SandboxError(f"server {spec.name!r}: {path} cannot be mounted: it is not there")
        if os.geteuid() == 0 and (closed := _closed_folder(path)):
            raise SandboxError(
                f"server {spec.name!r}: {path} cannot be mounted: {closed} is closed to the user nobody, "
                "as which boxes run when the gateway is root",
                hint=f"chmod o+x {closed}, or keep it elsewhere, or run the gateway as another user than root",
            )


def _closed_folder(path: Path) -> Path | None:
    uid, gid = box_user()
    for folder in reversed(path.parents):
        status = folder.stat()
        passable = (
            status.st_mode & 0o100
            if status.st_uid == uid
            else status.st_mode & (0o010 if status.st_gid == gid else 0o001)
        )
        if not passable:
            return folder
    return None
