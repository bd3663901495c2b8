"""From a box's spec to the engine's description of a container: the one place where its confinement stands.

Above: `sandbox.docker.backend`. Refuses to know: how the engine is reached. The result is the body of "Create a
container" in the Docker Engine API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.masks import HIDDEN_FILES, HIDDEN_FOLDERS
from sandbox.roots.environment import environment_inside
from sandbox.spec import BoxSpec, Limits, Mount

_OPEN_FILES = 1024
_SHARED_MEMORY_BYTES = 1024 * 1024
_INODES_PER_TMPFS = 4096

Body = dict[str, Any]


def container_body(
    spec: BoxSpec,
    *,
    image: str,
    seccomp: str,
    user: tuple[int, int],
    labels: Mapping[str, str],
    volumes: Sequence[str] = (),
) -> Body:
    """The container for `spec`.

    `volumes` are the paths which the image declares as such: the engine would put unbounded folders of the host
    there. `seccomp` is a profile as JSON. `labels` are added to those of the spec.
    """
    uid, gid = user
    body: Body = {
        "Image": image,
        "User": f"{uid}:{gid}",
        "Env": [f"{name}={value}" for name, value in {**environment_inside(spec.root), **spec.env}.items()],
        "Labels": {**spec.labels, **labels},
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": True,
        # When we go away, so does its input, and a well-behaved server ends by itself.
        "StdinOnce": True,
        "Tty": False,
        "NetworkDisabled": spec.network == "none",
        "HostConfig": _host_config(spec, seccomp, user, volumes),
    }
    if spec.argv:  # else the image's own command
        body["Cmd"] = list(spec.argv)
    if spec.root.kind != "image" or spec.cwd != "/":  # else the image's own folder
        body["WorkingDir"] = spec.cwd
    return body


def _host_config(spec: BoxSpec, seccomp: str, user: tuple[int, int], volumes: Sequence[str]) -> Body:
    mounted = {mount.target for mount in spec.mounts}
    tmpfs = {"/tmp", *volumes} - mounted  # noqa: S108 - inside it is the box's own
    return {
        "NetworkMode": "bridge" if spec.network == "open" else "none",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={seccomp}"],
        "Privileged": False,
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "MaskedPaths": [*HIDDEN_FILES, *HIDDEN_FOLDERS],
        "Mounts": [_bind(mount) for mount in spec.mounts],
        "Tmpfs": {path: _tmpfs(spec.limits, user) for path in sorted(tmpfs)},
        "Init": True,
        "LogConfig": {"Type": "none", "Config": {}},
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        **_limits(spec.limits),
    }


def _limits(limits: Limits) -> Body:
    return {
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,  # memory and swap together, so none of the latter
        "NanoCpus": round(limits.cpus * 1_000_000_000),
        "PidsLimit": limits.processes,
        "ShmSize": _SHARED_MEMORY_BYTES,
        "Ulimits": [
            {"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "fsize", "Soft": limits.disk_bytes, "Hard": limits.disk_bytes},
        ],
    }


def _bind(mount: Mount) -> Body:
    return {
        "Type": "bind",
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": not mount.writable,
        # What the host mounts or unmounts beneath it later does not appear inside, nor the other way round.
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs(limits: Limits, user: tuple[int, int]) -> str:
    """The owner is given because some runtimes ignore the mode of a folder that the image has already."""
    uid, gid = user
    return (
        f"rw,noexec,nosuid,nodev,size={limits.disk_bytes},nr_inodes={_INODES_PER_TMPFS},"
        f"mode=1777,uid={uid},gid={gid}"
    )
