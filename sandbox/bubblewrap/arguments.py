"""From a box's spec to bubblewrap's options.

Above: `sandbox.bubblewrap.backend`. Refuses to know: how the program is started. Options are carried out in order,
so what stands later lies on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.masks import HIDDEN_FILES, HIDDEN_FOLDERS
from sandbox.spec import BoxSpec, SandboxError
from sandbox.workspaces import BOX_UID

_SHARED_MEMORY_BYTES = 1024 * 1024
_OWN_FOLDERS = frozenset({"dev", "proc", "sys", "tmp"})
_RESOLVER = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the installed bubblewrap can do beyond its first versions."""

    disable_userns: bool


def confinement(abilities: Abilities, *, open_network: bool) -> Iterator[str]:
    """The options that do not depend on what runs: they may be seen by anybody who lists processes."""
    yield from ("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL")
    if abilities.disable_userns:
        yield "--disable-userns"
    if open_network:
        yield "--share-net"
    yield from ("--uid", str(BOX_UID), "--gid", str(BOX_UID), "--hostname", "box")


def contents(spec: BoxSpec, root: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The options that say what is in the box. They hold its secrets, so they are passed by descriptor."""
    yield "--clearenv"
    for name, value in env.items():
        yield from ("--setenv", name, value)
    yield from _root(root)
    yield from ("--proc", "/proc")
    yield from _masks()
    yield from ("--dev", "/dev", "--remount-ro", "/dev")
    yield from ("--perms", "1777", "--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm")  # noqa: S108 - inside
    yield from ("--perms", "1777", "--size", str(spec.limits.disk_bytes), "--tmpfs", "/tmp")  # noqa: S108 - inside
    if spec.network == "open" and _RESOLVER.exists():
        yield from ("--ro-bind", str(_RESOLVER.resolve()), str(_RESOLVER))
    # A mount inside another must come after it.
    for mount in sorted(spec.mounts, key=lambda each: each.target):
        yield from ("--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target)
    # What is left of the root itself is a tmpfs without a size: nobody writes to it from here on.
    yield from ("--remount-ro", "/", "--chdir", spec.cwd)


def encode(options: Iterator[str], what: str) -> bytes:
    """Options in the form of `--args`: each ends with a zero byte. Raises SandboxError if one holds another."""
    parts = list(options)
    if any("\0" in part for part in parts):
        raise SandboxError(f"server {what!r}: an environment variable or a path holds a zero byte")
    return b"".join(part.encode("utf-8", "surrogateescape") + b"\0" for part in parts)


def _root(root: Path) -> Iterator[str]:
    for path in sorted(root.iterdir()):
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), f"/{path.name}")
        elif path.is_dir() and path.name not in _OWN_FOLDERS:
            yield from ("--ro-bind", str(path), f"/{path.name}")


def _masks() -> Iterator[str]:
    """Bound like this the null device cannot even be opened. Only what this kernel has can be covered."""
    for path in HIDDEN_FILES:
        if Path(path).exists():
            yield from ("--ro-bind", "/dev/null", path)
    for path in HIDDEN_FOLDERS:
        if path.startswith("/proc/") and Path(path).is_dir():
            yield from ("--perms", "0555", "--size", "4096", "--tmpfs", path, "--remount-ro", path)
