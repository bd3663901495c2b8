"""The gateway's side: an `HttpClient` whose server is a child process."""

from __future__ import annotations

import importlib.util
import logging
import os
import secrets
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from subprocess import DEVNULL
from urllib.parse import urlsplit

import anyio
from anyio.abc import Process

from gateway.providers.http import HttpAnswer, HttpClient, NotConnected, Timeouts
from gateway.providers.pooled_client import PooledClient

_log = logging.getLogger(__name__)

_PROGRAM = "gateway.providers.litellm_bridge.program"
_STOPPING = 5.0  # seconds
_BACKLOG = 128  # requests that wait for the process to come up
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "PYTHONPATH")
"""All that the process sees of the gateway's own environment, which holds other providers' credentials."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A process to be asked in a provider's place. `environment` holds the provider's credentials, as pairs."""

    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(slots=True)
class _Running:
    process: Process
    origin: str
    secret: str = field(repr=False)


def is_installed() -> bool:
    """Whether the extra is there; it is not imported."""
    return importlib.util.find_spec("litellm") is not None


class LitellmClient:
    """See `gateway.providers.http.HttpClient`. Of a URL, the path alone counts."""

    def __init__(self, bridge: Bridge, *, python: str = sys.executable) -> None:
        self._bridge = bridge
        self._python = python
        self._client: HttpClient = PooledClient()
        self._running: _Running | None = None
        self._starting = anyio.Lock()
        self._closed = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AbstractAsyncContextManager[HttpAnswer]:
        """See the protocol."""
        return self._request(method, urlsplit(url).path, headers, body, timeouts)

    async def aclose(self) -> None:
        """See the protocol."""
        self._closed = True
        await self._client.aclose()
        if self._running is not None:
            await _stop(self._running.process)

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AsyncGenerator[HttpAnswer]:
        running = await self._up()
        sent = {**headers, "x-bridge-secret": running.secret}
        async with self._client.request(method, running.origin + path, sent, body, timeouts) as answer:
            yield answer

    async def _up(self) -> _Running:
        """The process, started if it is not there. Raises NotConnected."""
        async with self._starting:
            if self._closed:
                raise NotConnected("the client is closed")
            if self._running is not None and self._running.process.returncode is not None:
                _log.warning(
                    "the process for LiteLLM ended with %s; it is started again", self._running.process.returncode
                )
                self._running = None
            if self._running is None:
                self._running = await self._start()
            return self._running

    async def _start(self) -> _Running:
        """The socket listens before the process is there, so that nobody must ask when it is ready."""
        secret = secrets.token_urlsafe(32)
        with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listening:
            port = listening.getsockname()[1]
            try:
                process = await anyio.open_process(
                    [self._python, "-m", _PROGRAM, str(listening.fileno())],
                    stdout=DEVNULL,
                    stderr=None,
                    env=self._environment(),
                    pass_fds=(listening.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                raise NotConnected(f"the process for LiteLLM cannot be started: {error.strerror}") from error
        try:
            await _hand_over(process, secret)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _stop(process)
            raise
        return _Running(process, f"http://127.0.0.1:{port}", secret)

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {**kept, **dict(self._bridge.environment)}


async def _hand_over(process: Process, secret: str) -> None:
    """The secret goes through the pipe, which stays open: the process ends when it is closed."""
    if process.stdin is None:
        raise RuntimeError("the process has no standard input")
    try:
        await process.stdin.send(secret.encode() + b"\n")
    except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        raise NotConnected("the process for LiteLLM ended at once") from error


async def _stop(process: Process) -> None:
    """Whatever happens, it ends."""
    with suppress(ProcessLookupError):
        process.terminate()
    with anyio.move_on_after(_STOPPING):
        await process.wait()
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    await process.aclose()
