"""A running container as a box.

Above: `sandbox.docker.backend` makes it and runs its task. Below: `frames` takes the stream apart.
"""

from __future__ import annotations

import logging
from typing import Any

import anyio

from sandbox.docker.attach import Attached
from sandbox.docker.engine import Engine, engine_failures, is_absent
from sandbox.docker.frames import STDERR, BrokenFrame, FrameSplitter
from sandbox.process import describe_exit
from sandbox.spec import Exit
from sandbox.stderr_tail import StderrTail

_log = logging.getLogger(__name__)

_READ_SIZE = 65536
_PIECES_UNREAD = 16
_KILL_SECONDS = 10.0
_FIRST_POLL_SECONDS, _SLOWEST_POLL_SECONDS = 0.01, 0.5
_STUCK_POLL_SECONDS = 2.0
_MOST_FAILURES = 5
_KILLED = 137


class DockerBox:
    """See `sandbox.spec.Box`. `pump` must run beside it."""

    def __init__(self, engine: Engine, container: str, attached: Attached) -> None:
        self._engine = engine
        self._container = container
        self._stream = attached.stream
        self._first = attached.first
        self._splitter = FrameSplitter()
        self._tail = StderrTail()
        self._output, self._unread = anyio.create_memory_object_stream[bytes](_PIECES_UNREAD)
        self._drained = anyio.Event()
        self._exit: Exit | None = None
        self._ended = anyio.Event()
        self._asking = anyio.Lock()
        self._failures = 0

    async def send(self, data: bytes) -> None:
        """Write to its standard input. Raises anyio.BrokenResourceError once it is gone."""
        if self._drained.is_set() or self._ended.is_set():
            raise anyio.BrokenResourceError
        try:
            await self._stream.send(data)
        except anyio.ClosedResourceError as error:
            raise anyio.BrokenResourceError from error

    async def receive(self) -> bytes:
        """Some bytes of its standard output. Raises anyio.EndOfStream when that has ended."""
        try:
            return await self._unread.receive()
        except anyio.ClosedResourceError as error:
            raise anyio.EndOfStream from error

    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of its standard error."""
        return self._tail.lines()

    async def wait(self) -> Exit:
        """Wait until it has ended."""
        while self._exit is None:
            with anyio.move_on_after(_STUCK_POLL_SECONDS):
                await self._ended.wait()
                continue
            # Where nobody reads, the end of the stream stands behind unread output, and only the engine knows.
            if self._output.statistics().tasks_waiting_send:
                await self._ask()
        return self._exit

    async def kill(self) -> None:
        """End the container at once, and everything in it."""
        if self._exit is not None:
            return
        with anyio.CancelScope(shield=True), anyio.move_on_after(_KILL_SECONDS):
            try:
                await self._engine.call(lambda client: client.kill(self._container))
            except engine_failures() as error:  # most likely it has ended by itself
                _log.debug("killing the container %s: %s", self._container, error)
            while self._exit is None:
                await self._ask()
                await anyio.sleep(_FIRST_POLL_SECONDS)

    def close(self) -> None:
        """Nobody reads from it any more."""
        self._output.close()
        self._unread.close()

    async def pump(self) -> None:
        """Distribute its output until that ends, then find out how it ended."""
        async with self._output:
            try:
                await self._distribute(self._first)
                while True:
                    await self._distribute(await self._stream.receive(_READ_SIZE))
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass
            except BrokenFrame as error:
                _log.warning("the output of the container %s cannot be read: %s", self._container, error)
            self._drained.set()
        await self._find_end()

    async def _distribute(self, data: bytes) -> None:
        for stream, payload in self._splitter.feed(data):
            if stream == STDERR:
                self._tail.feed(payload)
            else:
                await self._output.send(payload)

    async def _find_end(self) -> None:
        """Ask until the engine knows: a moment after the stream's end, or much later if a program closed it."""
        pause = _FIRST_POLL_SECONDS
        while self._exit is None:
            await self._ask()
            await anyio.sleep(pause)
            pause = min(pause * 2, _SLOWEST_POLL_SECONDS)

    async def _ask(self) -> None:
        """Ask the engine once whether the container has ended; note how."""
        async with self._asking:
            if self._exit is not None:
                return
            try:
                said = await self._engine.call(lambda client: client.inspect_container(self._container))
            except engine_failures() as error:
                self._failures += 1
                if is_absent(error) or self._failures >= _MOST_FAILURES:
                    self._note(Exit(None, f"the container engine lost it: {error}"))
                return
            self._failures = 0
            if (ended := exit_from_state(said["State"])) is not None:
                self._note(ended)

    def _note(self, ended: Exit) -> None:
        self._exit = ended
        self._ended.set()


def exit_from_state(state: dict[str, Any]) -> Exit | None:
    """How a container ended, by its `State`; None while it runs or has yet to start.

    The engine also sets the mark of a lack of memory when only a child was killed for it, so the exit code must
    agree.
    """
    if state.get("Status") not in ("exited", "dead"):
        return None
    code = int(state["ExitCode"])
    if code == _KILLED and state.get("OOMKilled"):
        return Exit(code, "it needed more memory than its limit", out_of_memory=True)
    return describe_exit(code)
