"""A file of JSON lines beside the database: for those who collect logs.

Only whole lines are ever added. Several processes may write to one file, and whoever rotates it may move it away
at any time: it is opened anew for each batch.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from gateway.audit.events import AuditEvent
from gateway.audit.records import to_json
from gateway.errors import StoreError

_LOCKING = 5.0  # seconds to wait for another process that writes


def check_file(path: Path) -> None:
    """Make the file if it is missing, for its owner alone. Blocking. Raises StoreError if it cannot be written."""
    try:
        os.close(_opened(path))
    except OSError as error:
        hint = "name a file in a folder that is there, in storage.audit.jsonl"
        raise StoreError(f"the audit file {path} cannot be written: {error.strerror}", hint=hint) from error


def in_file(path: Path, *, flush: bool = False) -> Callable[[Sequence[AuditEvent]], Awaitable[None]]:
    """Appends records to the file, all or none of them. Raises OSError.

    With `flush`, each batch has reached the disk before the next begins.
    """
    limiter = anyio.CapacityLimiter(1)

    def work(events: Sequence[AuditEvent]) -> None:
        _append(path, b"".join(to_json(event) + b"\n" for event in events), flush=flush)

    async def write(events: Sequence[AuditEvent]) -> None:
        await anyio.to_thread.run_sync(work, events, limiter=limiter)

    return write


def _append(path: Path, lines: bytes, *, flush: bool) -> None:
    descriptor = _opened(path)
    try:
        _lock(descriptor)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            lines = b"\n" + lines  # whoever wrote before was killed in the middle of a line
        _write_whole(descriptor, lines, size)
        if flush:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Keep other gateways out until the descriptor is closed. Raises OSError when one holds on for too long."""
    deadline = time.monotonic() + _LOCKING
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OSError(errno.EAGAIN, "another process holds the file") from None
            time.sleep(0.01)
        else:
            return


def _write_whole(descriptor: int, lines: bytes, before: int) -> None:
    """Add the lines, or nothing: `before` is the size to go back to."""
    try:
        written = 0
        while written < len(lines):
            written += os.write(descriptor, lines[written:])
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def _opened(path: Path) -> int:
    """Without O_NONBLOCK, a pipe that nobody reads would be waited for until the end of days."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a file")
    return descriptor
