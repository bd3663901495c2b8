"""What is still there after a test's work is done: tasks of the loop, pipes and sockets of ours, processes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.conditions import eventually


@asynccontextmanager
async def nothing_left(mark: str = "") -> AsyncGenerator[None]:
    """What was begun within is over soon after; so is every process that has `mark` in its command line."""
    tasks, files, children = _tasks(), _streams(), _children()
    yield
    left: dict[str, object] = {}

    def is_all_over() -> bool:
        left["tasks"] = _tasks() - tasks
        left["pipes and sockets"] = _streams() - files
        left["children"] = _children() - children
        left["processes"] = processes_with(mark) if mark else []
        return not any(left.values())

    with suppress(AssertionError):
        await eventually(is_all_over)
    assert not any(left.values()), left


def processes_with(mark: str) -> list[int]:
    """Processes of this machine with `mark` in their command line, those in boxes among them; not ourselves."""
    return [pid for pid, words in _processes("cmdline") if mark.encode() in words and pid != os.getpid()]


def _tasks() -> set[asyncio.Task[object]]:
    # The SSE server of the tests has a watcher that lives as long as the loop.
    return {task for task in asyncio.all_tasks() if "sse_starlette" not in repr(task)}


def _children() -> set[int]:
    parent = b"PPid:\t%d\n" % os.getpid()
    return {pid for pid, status in _processes("status") if parent in status}


def _processes(what: str) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end meanwhile
            found.append((int(folder.name), (folder / what).read_bytes()))
    return found


def _streams() -> set[str]:
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            target = str(descriptor.readlink())
            if target.startswith("pipe:") or (target.startswith("socket:") and not _is_engines(descriptor)):
                found.add(target)
    return found


def _is_engines(descriptor: Path) -> bool:
    """Whether it leads to the container engine, whose client keeps connections as long as the process lives."""
    with socket.socket(fileno=os.dup(int(descriptor.name))) as one, suppress(OSError):
        return str(one.getpeername()).endswith("docker.sock")
    return False
