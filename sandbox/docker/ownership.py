"""Labels that say which gateway process a container belongs to, and whether that process still lives.

Above: `sandbox.docker.backend` labels and sweeps. A process is named by the machine's boot, the namespace in which
its number counts, the number, and its start, since numbers are used again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

INSTANCE = "toolgate.instance"
OWNER = "toolgate.owner"
CREATED = "toolgate.created"

_STALE_SECONDS = 3600
_START_FIELD = 19  # of /proc/PID/stat, counted after the parenthesised name


@dataclass(frozen=True, slots=True)
class Owner:
    """A gateway process."""

    boot: str
    namespace: str
    pid: int
    start: str


def this_process() -> Owner:
    """The owner that we are."""
    pid = os.getpid()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    namespace = str(Path("/proc/self/ns/pid").readlink())
    return Owner(boot, namespace, pid, _start_of(pid) or "")


def owner_labels(owner: Owner, now: float | None = None) -> dict[str, str]:
    """The labels of a container made now."""
    created = time.time() if now is None else now
    return {OWNER: json.dumps(asdict(owner)), CREATED: str(int(created))}


def is_orphan(labels: Mapping[str, str], state: str, *, us: Owner, now: float | None = None) -> bool:
    """Whether a container of toolgate's belongs to nobody any more. When in doubt it does.

    `state` is the engine's word for it, such as `running`. An owner of another boot or namespace cannot be looked
    up: of such only what has long been over is an orphan.
    """
    owner = _owner_in(labels)
    if owner is not None and (owner.boot, owner.namespace) == (us.boot, us.namespace):
        return _start_of(owner.pid) != owner.start
    created = labels.get(CREATED, "")
    age = (time.time() if now is None else now) - int(created) if created.isdecimal() else 0
    return state not in ("running", "paused", "restarting") and age > _STALE_SECONDS


def _owner_in(labels: Mapping[str, str]) -> Owner | None:
    try:
        said: Any = json.loads(labels[OWNER])
        return Owner(str(said["boot"]), str(said["namespace"]), int(said["pid"]), str(said["start"]))
    except (KeyError, ValueError, TypeError):
        return None


def _start_of(pid: int) -> str | None:
    """When the process began, in ticks since the boot; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[_START_FIELD]
