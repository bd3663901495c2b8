"""What processes cost: the CPU time and the memory of a process and all below it, as the kernel accounts for them.

Linux only: read from /proc. CPU time is counted in ticks of 10 ms, so a measurement must last long enough.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the start (user and system), and resident memory in bytes."""

    cpu_seconds: float
    resident_bytes: int


def tree_usage(root: int, *, leaving_out: str = "") -> Usage:
    """The usage of a process and its descendants, save those whose command line holds `leaving_out`."""
    pids = [pid for pid in _tree(root) if not leaving_out or leaving_out not in _command_line(pid)]
    usages = [usage for pid in pids if (usage := _usage(pid)) is not None]
    return Usage(sum(usage.cpu_seconds for usage in usages), sum(usage.resident_bytes for usage in usages))


def _tree(root: int) -> Iterable[int]:
    parents = {
        int(entry.name): stat[1]
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None
    }
    found = {root}
    while more := {pid for pid, fields in parents.items() if int(fields) in found} - found:
        found |= more
    return sorted(found)


def _stat(pid: int) -> list[str] | None:
    """The fields after the name, which may hold anything; None once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _usage(pid: int) -> Usage | None:
    fields = _stat(pid)
    if fields is None:
        return None
    return Usage((int(fields[11]) + int(fields[12])) / _TICK, int(fields[21]) * _PAGE)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
