"""Paths of the host as a box sees them: what is mounted is visible, the rest is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from sandbox.spec import Mount, SandboxError


def path_inside(path: str, mounts: Sequence[Mount], workspace: str | None, *, what: str) -> str:
    """The absolute `path` as seen inside: beneath a mount's source it is translated, beneath a target it stays.

    `what` names the path in the error. Raises SandboxError when the box cannot see it.
    """
    if not Path(path).is_absolute():
        raise SandboxError(f"{what} {path!r} must be an absolute path")
    for mount in mounts:
        # Sources have been resolved; what the operator wrote may still go through a link.
        for spelling in (Path(path), Path(path).resolve()):
            if spelling.is_relative_to(mount.source):
                return str(PurePosixPath(mount.target) / spelling.relative_to(mount.source))
    targets = [mount.target for mount in mounts] + ([workspace] if workspace else [])
    if any(PurePosixPath(path).is_relative_to(target) for target in targets):
        return path
    folder = path if what == "cwd" else str(Path(path).parent)
    raise SandboxError(
        f"{what} {path!r} is not visible inside the box",
        hint=f'mount it: sandbox.mounts: ["{folder}:/app"] (or use sandbox.backend: host)',
    )
