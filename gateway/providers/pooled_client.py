"""`HttpClient` on connections of our own, kept and used again."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import urlsplit

import anyio

from gateway.providers.connections import Connection
from gateway.providers.dialing import open_socket
from gateway.providers.http import LARGEST_BODY, ConnectionLost, DeadlinePassed, HttpAnswer, NotConnected, Timeouts

_KEEP_ALIVE = 30.0  # seconds that an unused connection is kept
_MOST_CONNECTIONS = 1000  # per origin, in use at once
_MOST_TARGETS = 1024  # parsed URLs that are remembered


@dataclass(slots=True)
class _Origin:
    """A server and the connections to it. `host` is written as in URLs; `slots` bounds those in use."""

    host: str
    port: int
    tls: bool
    parked: list[Connection] = field(default_factory=list[Connection])
    in_use: set[Connection] = field(default_factory=set[Connection])
    slots: anyio.Semaphore = field(default_factory=lambda: anyio.Semaphore(_MOST_CONNECTIONS, fast_acquire=True))


@dataclass(frozen=True, slots=True)
class _Target:
    """A parsed URL; `after_method` is what a request for it has between its method and its own headers."""

    origin: _Origin
    after_method: str


class PooledClient:
    """See `gateway.providers.http.HttpClient`. `tls` is for https; by default the system's trust store."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._origins: dict[tuple[str, int, bool], _Origin] = {}
        self._targets: dict[str, _Target] = {}
        self._closed = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> _Exchange:
        """See the protocol."""
        if method not in ("GET", "POST", "DELETE"):
            raise ValueError(f"the method {method} is not supported")
        target = self._targets.get(url) or self._parse(url)
        return _Exchange(self, target.origin, _render(method, target, headers, body), timeouts)

    async def aclose(self) -> None:
        """See the protocol."""
        self._closed = True
        for origin in self._origins.values():
            for connection in [*origin.parked, *origin.in_use]:
                connection.abort()
            origin.parked.clear()

    async def take(self, origin: _Origin, patience: float, *, fresh: bool) -> tuple[Connection, bool]:
        """A connection for one exchange, and whether it served one before. Raises NotConnected, DeadlinePassed."""
        try:
            origin.slots.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait_for_slot(origin, patience)
        try:
            connection = None if fresh else _unpark(origin)
            reused = connection is not None
            if connection is None:
                connection = await self._connect(origin, patience)
        except BaseException:
            origin.slots.release()
            raise
        origin.in_use.add(connection)
        return connection, reused

    def give_back(self, origin: _Origin, connection: Connection) -> None:
        """End the use of a connection that was taken."""
        origin.in_use.discard(connection)
        origin.slots.release()
        if self._closed or not connection.is_reusable:
            connection.abort()
        else:
            origin.parked.append(connection)
            connection.park(_KEEP_ALIVE)

    async def _wait_for_slot(self, origin: _Origin, patience: float) -> None:
        with anyio.move_on_after(patience) as scope:
            await origin.slots.acquire()
        if scope.cancelled_caught:
            raise NotConnected(f"all {_MOST_CONNECTIONS} connections to it are in use")

    async def _connect(self, origin: _Origin, patience: float) -> Connection:
        if self._closed:
            raise NotConnected("the client is closed")
        connection = None
        with anyio.move_on_after(patience):
            connection = await self._open(origin)
        if connection is None:
            raise DeadlinePassed("connect", patience)
        return connection

    def _trust(self) -> ssl.SSLContext:
        """Read when it is first needed: that takes as long as many requests."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    async def _open(self, origin: _Origin) -> Connection:
        host = origin.host.strip("[]")
        raw = await open_socket(host, origin.port)

        def forget(connection: Connection) -> None:
            if connection in origin.parked:
                origin.parked.remove(connection)

        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(forget),
                sock=raw,
                ssl=self._trust() if origin.tls else None,
                server_hostname=host if origin.tls else None,
            )
        except ssl.SSLError as error:
            raw.close()
            reason = getattr(error, "verify_message", None) or error.reason or "unknown"
            raise NotConnected(f"the TLS handshake failed: {reason}") from error
        except OSError as error:
            raw.close()
            raise NotConnected(f"no connection could be made: {error.strerror or type(error).__name__}") from error
        except BaseException:
            raw.close()
            raise
        return connection

    def _parse(self, url: str) -> _Target:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the URL is not an http or https URL with a host")
        if parts.username is not None or not url.isascii() or any(character <= " " for character in url):
            raise ValueError("the URL holds credentials, or characters that must be escaped")
        tls = parts.scheme == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = parts.port or (443 if tls else 80)
        origin = self._origins.setdefault((host, port, tls), _Origin(host, port, tls))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        shown = host if parts.port is None else f"{host}:{port}"
        target = _Target(origin, f" {path} HTTP/1.1\r\nhost: {shown}\r\n")
        if len(self._targets) >= _MOST_TARGETS:
            self._targets.clear()
        self._targets[url] = target
        return target


class _Exchange:
    """The context of one request, and its answer; the latter cannot be read any more once the former is left."""

    __slots__ = ("_client", "_connection", "_origin", "_request", "_timeouts", "headers", "status")

    def __init__(self, client: PooledClient, origin: _Origin, request: bytes, timeouts: Timeouts) -> None:
        self._client = client
        self._origin = origin
        self._request = request
        self._timeouts = timeouts
        self._connection: Connection | None = None
        self.status = 0
        self.headers: Mapping[str, str] = {}

    async def __aenter__(self) -> HttpAnswer:
        try:
            connection = await self._attempt(fresh=False)
        except _Stale:
            # A server may close a connection just when we use it again: it has not seen the request then.
            connection = await self._attempt(fresh=True)
        self._connection = connection
        self.status = connection.status
        self.headers = connection.headers
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._client.give_back(self._origin, self._connection)
            self._connection = None

    async def _attempt(self, *, fresh: bool) -> Connection:
        connection, reused = await self._client.take(self._origin, self._timeouts.connect, fresh=fresh)
        try:
            await connection.exchange(self._request, self._timeouts)
        except BaseException as error:
            self._client.give_back(self._origin, connection)
            if reused and isinstance(error, ConnectionLost) and not error.answered:
                raise _Stale from error
            raise
        return connection

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        """See `HttpAnswer`."""
        return await self._open_connection().read(limit)

    def chunks(self) -> AsyncGenerator[bytes]:
        """See `HttpAnswer`."""
        return self._open_connection().chunks()

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("an answer is read after its context was left")
        return self._connection


class _Stale(Exception):
    """A connection that had been parked was closed before any of an answer came."""


def _unpark(origin: _Origin) -> Connection | None:
    """The connection that was used last, if it is still good."""
    while origin.parked:
        connection = origin.parked.pop()
        if connection.is_open:
            return connection
    return None


def _render(method: str, target: _Target, headers: Mapping[str, str], body: bytes) -> bytes:
    """The request's bytes. Raises ValueError when a header would break out of its line."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if fields.count("\r") != len(headers) or fields.count("\n") != len(headers) or "\0" in fields:
        raise ValueError("a header holds a line break or a zero byte")
    length = f"content-length: {len(body)}\r\n" if body or method == "POST" else ""
    return f"{method}{target.after_method}{fields}{length}\r\n".encode("latin-1") + body
