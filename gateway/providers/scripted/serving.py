"""Serves an ASGI application on a loopback port, inside the running event loop."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

_STARTING = 60.0  # seconds
_STOPPING = 2.0  # seconds for connections to close


@asynccontextmanager
async def serve_app(app: ASGIApp, *, port: int = 0) -> AsyncGenerator[str]:
    """Serve `app` while the context is open; gives its origin, `http://127.0.0.1:<port>`.

    Answers that are still under way when the context is left are broken off.
    """
    listener = socket.create_server(("127.0.0.1", port))
    # What is accepted has it too. asyncio sets it only on sockets of its own making, and an answer written in two
    # parts would wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = _Server(_Config(app))
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            try:
                with anyio.fail_after(_STARTING):
                    await server.ready.wait()
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.stop()
                with anyio.move_on_after(2 * _STOPPING, shield=True):
                    await server.stopped.wait()
                group.cancel_scope.cancel()
    finally:
        listener.close()


class _Config(uvicorn.Config):
    """Leaves the process's logging alone: the gateway's own server has configured it."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, lifespan="off", ws="none", access_log=False, server_header=False, date_header=False)

    def configure_logging(self) -> None:
        """Nothing."""


class _Server(uvicorn.Server):
    """Leaves the process's signals alone, waits for events instead of ticking, and stops without delay."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()
        self.stopped = anyio.Event()
        self._stopping = anyio.Event()

    def stop(self) -> None:
        """Let `serve` come to its end."""
        self.should_exit = True
        self._stopping.set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `stop` is called."""
        try:
            await super().serve(sockets)
        finally:
            self.stopped.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing to capture."""
        yield

    async def main_loop(self) -> None:
        """Wait to be stopped."""
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything, answers under way included."""
        state = self.server_state
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for task in list(state.tasks):
            task.cancel()
        with anyio.move_on_after(_STOPPING):
            while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn has nothing to wait for
                await anyio.sleep(0.001)
        for connection in list(state.connections):
            connection.transport.abort()
