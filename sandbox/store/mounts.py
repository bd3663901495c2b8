"""Which folders of the host a server may be given, whether by `sandbox.mounts` or by `docker run -v`."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath, PurePosixPath

from sandbox.spec import Mount, SandboxError

# With one of these, a box reads other processes' secrets, talks to the engine, or is no box at all.
_FORBIDDEN_SOURCES = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/run",
    "/boot",
    "/etc",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers",
)
# A box has its own of these; a mount over them would replace what confines it or what it runs.
_FORBIDDEN_TARGETS = ("/proc", "/sys", "/dev", "/usr", "/bin", "/lib", "/lib64", "/sbin", "/etc", "/opt/server")


def parse_mount(text: str) -> Mount:
    """`HOST:PATH`, read-only unless `:rw` follows, both absolute. Raises SandboxError."""
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not target or mode not in ("", "ro", "rw"):
        raise SandboxError(f"mount {text!r}: not of the form HOST:PATH, HOST:PATH:ro or HOST:PATH:rw")
    return Mount(Path(source), target, writable=mode == "rw")


def checked_mounts(mounts: Iterable[Mount], workspace: str | None = None) -> tuple[Mount, ...]:
    """The mounts with their sources resolved. `workspace` is where the workspace will be mounted beside them.

    Raises SandboxError, naming the mount, for one that may not be. Blocking, quick.
    """
    checked = tuple(_checked(mount) for mount in mounts)
    targets = [mount.target for mount in checked]
    if workspace is not None:
        targets.append(_checked_target(workspace))
    for target in targets:
        if targets.count(target) > 1:
            raise SandboxError(f"two mounts have the same target {target}")
    return checked


def check_private(
    mounts: Iterable[Mount], *, state_dir: Path, cache_dir: Path, environ: Mapping[str, str]
) -> None:
    """Keep our own folders and the engine's socket out of boxes. The mounts' sources have been resolved.

    In the state folder are the workspaces of all keys and the database; whoever can write to the cache folder
    decides what other servers run. Raises SandboxError, naming the mount. Blocking, quick.
    """
    state, cache, engine = state_dir.resolve(), cache_dir.resolve(), _engine_socket(environ)
    for mount in mounts:
        if _overlap(mount.source, state):
            whose = "toolgate's state folder"
        elif mount.writable and _overlap(mount.source, cache):
            whose = "toolgate's cache folder, and is writable"
        elif engine is not None and engine.is_relative_to(mount.source):
            whose = "the socket of the container engine"
        else:
            continue
        raise SandboxError(
            f"mount {mount.source}: it would give the server {whose}",
            hint="mount a folder further down, or another one",
        )


def check_unmoved(mounts: Iterable[Mount]) -> None:
    """Check that sources which were resolved once lead where they did. Raises SandboxError. Blocking, quick.

    A box that may write to a folder above one of them could have put a link there since.
    """
    for mount in mounts:
        if mount.source.resolve() != mount.source:
            raise SandboxError(
                f"mount {mount.source}: it leads elsewhere since the gateway started",
                hint="restart the gateway if that is meant",
            )


def _engine_socket(environ: Mapping[str, str]) -> Path | None:
    """Where the operator says it is; the usual place is forbidden anyway."""
    scheme, _, path = environ.get("DOCKER_HOST", "").partition("://")
    return Path(path).resolve() if scheme == "unix" and path.startswith("/") else None


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _checked(mount: Mount) -> Mount:
    if not mount.source.is_absolute():
        raise SandboxError(
            f"mount {mount.source}: the host's side must be an absolute path",
            hint="named volumes and relative paths are not supported; write the folder's full path",
        )
    try:
        source = mount.source.resolve(strict=True)
        kind = source.stat().st_mode
    except OSError as error:
        raise SandboxError(f"mount {mount.source}: {error.strerror}") from error
    if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
        raise SandboxError(f"mount {mount.source}: only folders and regular files can be mounted")
    if str(source) == "/" or _beneath(source, _FORBIDDEN_SOURCES):
        raise SandboxError(f"mount {mount.source}: this part of the host is not given to servers")
    return Mount(source, _checked_target(mount.target), mount.writable)


def _checked_target(target: str) -> str:
    path = PurePosixPath(target)
    if not path.is_absolute() or ".." in path.parts or target.startswith("//"):
        raise SandboxError(f"mount target {target!r}: must be an absolute path without ..")
    if str(path) == "/" or _beneath(path, _FORBIDDEN_TARGETS):
        raise SandboxError(
            f"mount target {target}: this path belongs to the box", hint="choose one such as /data or /workspace"
        )
    return str(path)


def _beneath(path: PurePath, roots: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(root) for root in roots)
