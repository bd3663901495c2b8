"""Start, run, drain, stop: the ASGI server, and what signals do to it.

Above: `serve` and `demo`. Below: uvicorn. Refuses to know: where the configuration comes from.

SIGTERM and the first SIGINT end the server gracefully: no new connections, and requests under way are given time.
A second one breaks off what is still under way. Servers and boxes are stopped in either case, so a third one is
for when that hangs.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager

import anyio
import uvicorn
from anyio.abc import TaskStatus

from gateway.app import build_app
from gateway.cli.failures import INTERRUPTED
from gateway.cli.heads import BoundedHeads
from gateway.cli.output import Failure, say
from gateway.runtime import Gateway

_DRAINING = 30  # seconds for requests under way to end
_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Failure that says what to do about a port that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error


def _cannot_listen(host: str, port: int, error: OSError) -> Failure:
    if error.errno == errno.EADDRINUSE:
        hint = "stop what listens there, or choose another port with --port; 0 takes a free one"
        return Failure(f"port {port} on {host} is taken", hint=hint)
    if error.errno == errno.EACCES:
        return Failure(f"this user may not listen on port {port}", hint="choose a port above 1023 with --port")
    # `create_server` raises what it gets, a failure to find the name as well, as an OSError with other words.
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME) or isinstance(error, socket.gaierror):
        return Failure(
            f"{host} is not an address of this machine", hint="127.0.0.1 is this machine alone", status=2
        )
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return Failure(f"cannot listen on {host} port {port}: {reason}")


def base_url(listener: socket.socket) -> str:
    """The URL to give to clients."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


class Stopping:
    """What signals have asked for, and what that means at each stage."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self._asked = 0
        self._server: _Server | None = None

    @property
    def status(self) -> int:
        """The exit status: to end a server that serves is no failure, to end it in any other stage is."""
        is_graceful = self._asked == 0 or (self._asked == 1 and self._server is not None)
        return 0 if is_graceful else INTERRUPTED

    async def watch(
        self, wanted: Sequence[signal.Signals], *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Take signals until cancelled."""
        with anyio.open_signal_receiver(*wanted) as signals:
            task_status.started()
            async for _ in signals:
                self._take_one()

    async def serve(self, gateway: Gateway, listener: socket.socket) -> None:
        """Serve until a signal, and then until requests under way have ended."""
        gc.collect()
        gc.freeze()  # what is there by now stays: the collector need not look through it again and again
        self._server = _Server(gateway)
        await self._server.serve(sockets=[listener])

    def _take_one(self) -> None:
        self._asked += 1
        if self._asked > 2:
            os._exit(INTERRUPTED)
        if self._server is not None and self._asked == 1:
            say("stopping; requests under way may end, unless you interrupt again")
            self._server.leave()
            return
        if self._server is not None:
            self._server.break_off()
        self.scope.cancel()


async def until_stopped(work: Callable[[Stopping], Awaitable[None]], *also: signal.Signals) -> int:
    """Do `work`, which serves, until a signal ends it; the exit status. Its contexts are left in order.

    `also` are signals that stop it beside SIGINT and SIGTERM.
    """
    stopping = Stopping()
    async with anyio.create_task_group() as tasks:
        await tasks.start(stopping.watch, (signal.SIGINT, signal.SIGTERM, *also))
        with stopping.scope:
            await work(stopping)
        tasks.cancel_scope.cancel()
    return stopping.status


class _Server(uvicorn.Server):
    """Leaves signals to `Stopping`, since more than this server has to be stopped by them."""

    def __init__(self, gateway: Gateway) -> None:
        settings = uvicorn.Config(
            build_app(gateway.admit, gateway.metrics, observe=gateway.observe),
            loop="none",  # the running one
            http=BoundedHeads,
            ws="none",
            proxy_headers=False,  # whoever connects could say that it comes from this machine
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_DRAINING,
        )
        super().__init__(settings)
        self._gateway = gateway
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing to capture."""
        yield

    def leave(self) -> None:
        """Take no more connections, and end when the requests under way have."""
        self.should_exit = True
        self._gateway.drain()

    def break_off(self) -> None:
        """Do not wait for requests any longer."""
        self.force_exit = True
        for task in self.server_state.tasks:
            task.cancel()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Requests that are broken off at the end are no defects, so they have no traceback in the log."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
