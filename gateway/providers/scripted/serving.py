"""Serves an ASGI application on a loopback port, inside the running event loop."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
import uvicorn
from starlette.types import ASGIApp

_STARTING = 10.0  # seconds
_STOPPING = 5.0  # seconds


@asynccontextmanager
async def serve_app(app: ASGIApp, *, port: int = 0) -> AsyncGenerator[str]:
    """Serve `app` while the context is open; gives its origin, `http://127.0.0.1:<port>`."""
    listener = socket.create_server(("127.0.0.1", port))
    server = _Server(_Config(app))
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listener])
            try:
                with anyio.fail_after(_STARTING):
                    while not server.started:  # noqa: ASYNC110 - uvicorn has nothing to wait for
                        await anyio.sleep(0.002)
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                with anyio.move_on_after(_STOPPING, shield=True):
                    await server.stopped.wait()
                group.cancel_scope.cancel()
    finally:
        listener.close()


class _Config(uvicorn.Config):
    """Leaves the process's logging alone: the gateway's own server has configured it."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            app, lifespan="off", ws="none", access_log=False, server_header=False, timeout_graceful_shutdown=1
        )

    def configure_logging(self) -> None:
        """Nothing."""


class _Server(uvicorn.Server):
    """Leaves the process's signals alone, and tells when it has stopped."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopped = anyio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing to capture."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit` is set."""
        try:
            await super().serve(sockets)
        finally:
            self.stopped.set()
