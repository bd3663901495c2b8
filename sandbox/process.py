"""A box that is a child process of ours: its pipes, its standard error, its end.

Above: `sandbox.host` and `sandbox.bubblewrap` start the process. Refuses to know: how it is confined, if at all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from sandbox.background import in_background
from sandbox.quiet import ended_or_quiet
from sandbox.spec import Exit
from sandbox.stderr_tail import StderrTail

_READ_SIZE = 65536
_END_SECONDS = 10.0
_LAST_WORDS_SECONDS = 1.0
_GONE = (BrokenPipeError, ConnectionResetError, RuntimeError, anyio.ClosedResourceError)


class ProcessBox:
    """See `sandbox.spec.Box`. Made by `boxed`, which also runs its two tasks."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._stdin, self._stdout, self._stderr = _pipes(process)
        self._tail = StderrTail()
        self._stderr_reads = 0
        self._stderr_ended = anyio.Event()
        self._ended = anyio.Event()

    async def send(self, data: bytes) -> None:
        """Write to its standard input. Raises anyio.BrokenResourceError once it is gone."""
        if self._process.returncode is not None:
            raise anyio.BrokenResourceError
        try:
            await self._stdin.send(data)
        except _GONE as error:
            raise anyio.BrokenResourceError from error

    async def receive(self) -> bytes:
        """Some bytes of its standard output. Raises anyio.EndOfStream when that has ended."""
        try:
            return await self._stdout.receive(_READ_SIZE)
        except _GONE as error:
            raise anyio.EndOfStream from error

    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of its standard error."""
        return self._tail.lines()

    async def wait(self) -> Exit:
        """Wait until it has ended."""
        await self._ended.wait()
        return describe_exit(self._process.returncode)

    async def kill(self) -> None:
        """End its process group at once, and wait until it has ended."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(_END_SECONDS):
            if self._process.returncode is None:
                self._kill_group()
            await self._process.wait()
            await self._wait_for_last_words()

    async def read_stderr(self) -> None:
        """Keep the end of its standard error, as long as there is any."""
        try:
            with suppress(anyio.EndOfStream, *_GONE):
                while True:
                    self._tail.feed(await self._stderr.receive(_READ_SIZE))
                    self._stderr_reads += 1
        finally:
            self._stderr_ended.set()  # cancelled, there is nobody left who could wait for its last words

    async def watch(self) -> None:
        """Wait for its end, and take with it what it left behind."""
        await self._process.wait()
        # At once: until the group is empty its number is not given to anybody else.
        self._kill_group()
        await self._wait_for_last_words()
        self._ended.set()

    async def _wait_for_last_words(self) -> None:
        """Its standard error ends when nothing that it started holds it any more, which may be never."""
        await ended_or_quiet(self._stderr_ended, lambda: self._stderr_reads, within=_LAST_WORDS_SECONDS)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


async def start_process(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None = None, pass_fds: Sequence[int] = ()
) -> Process:
    """Run `argv` in a session of its own, with three pipes. The caller hands it to `boxed`. Raises OSError."""
    # Cancelled half-way, the process would run on without an owner.
    with anyio.CancelScope(shield=True):
        return await anyio.open_process(list(argv), env=env, cwd=cwd, start_new_session=True, pass_fds=pass_fds)
    raise RuntimeError("cannot be reached: nobody cancels the shield itself")


@asynccontextmanager
async def boxed(process: Process) -> AsyncGenerator[ProcessBox]:
    """A box around a process; leaving the context ends it and its process group."""
    box = ProcessBox(process)
    try:
        async with in_background(box.read_stderr, box.watch):
            try:
                yield box
            finally:
                await box.kill()
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(_END_SECONDS):
            await process.aclose()


def describe_exit(code: int | None) -> Exit:
    """An exit status in words; negative is a signal, as subprocess has it."""
    if code is None:
        return Exit(None, "its end was not seen")
    number = -code if code < 0 else code - 128 if code > 128 else 0
    if number:
        with suppress(ValueError):
            return Exit(code if code > 0 else 128 - code, f"ended by {signal.Signals(number).name}")
    return Exit(code, f"exit code {code}")


def _pipes(process: Process) -> tuple[ByteSendStream, ByteReceiveStream, ByteReceiveStream]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError("a box needs all three pipes")
    return process.stdin, process.stdout, process.stderr
