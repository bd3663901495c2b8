"""Where toolgate keeps its state and its cache when nobody says otherwise.

Root's home is closed to other users, and boxes run as an unprivileged one, so a gateway that runs as root uses
the system's folders; anybody else the folders of the XDG Base Directory specification.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from sandbox.spec import SandboxError


def default_state_dir(environ: Mapping[str, str] | None = None, *, uid: int | None = None) -> Path:
    """Where what must last is kept: workspaces, the database. Raises SandboxError if there is no such place."""
    return _location("XDG_STATE_HOME", ".local/state", "/var/lib", environ, uid)


def default_cache_dir(environ: Mapping[str, str] | None = None, *, uid: int | None = None) -> Path:
    """Where what can be fetched or built again is kept: packages, root file systems. Raises as the other."""
    return _location("XDG_CACHE_HOME", ".cache", "/var/cache", environ, uid)


def _location(
    variable: str, under_home: str, of_system: str, environ: Mapping[str, str] | None, uid: int | None
) -> Path:
    environ = os.environ if environ is None else environ
    if (os.geteuid() if uid is None else uid) == 0:
        return Path(of_system) / "toolgate"
    chosen = environ.get(variable, "")
    if Path(chosen).is_absolute():  # the specification has relative paths ignored
        return Path(chosen) / "toolgate"
    return (Path(environ["HOME"]) if environ.get("HOME") else _home(variable)) / under_home / "toolgate"


def _home(variable: str) -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # a user whom the system does not know, as in some containers
        kind = "state" if variable == "XDG_STATE_HOME" else "cache"
        raise SandboxError(
            f"this user has no home folder, so there is no place for the {kind} folder",
            hint=f"set HOME or {variable} to an absolute path, or storage.{kind}_dir in the configuration",
        ) from error


def make_passable(folder: Path, mode: int = 0o755) -> None:
    """Make `folder` and those above it that are missing, whatever the umask, so that boxes' user can pass.

    `mode` is for the folder itself; the new ones above it get 0755. Blocking, quick.
    """
    if folder.is_dir():
        return
    make_passable(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(mode)
