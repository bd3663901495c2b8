"""`HttpClient` on aiohttp: used where a proxy is wanted."""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import anyio
from yarl import URL

from gateway.providers.http import (
    LARGEST_BODY,
    LARGEST_HEAD,
    ConnectionLost,
    DeadlinePassed,
    HttpAnswer,
    HttpFault,
    MalformedAnswer,
    NotConnected,
    Phase,
    Timeouts,
)

_KEEP_ALIVE = 4.0  # seconds; less than common servers' 5, so that we never write to a socket they just closed
_MOST_CONNECTIONS = 1000
_LARGEST_AT_ONCE = 1024 * 1024  # bytes of a request's body
_BUFFER = 256 * 1024  # bytes of a body read ahead of its consumer


class AiohttpClient:
    """See `gateway.providers.http.HttpClient`.

    `proxy` is the URL of one for all requests; `proxy_from_environment` obeys HTTP(S)_PROXY and NO_PROXY. `tls` is
    for https; by default the system's trust store.
    """

    def __init__(
        self, *, proxy_from_environment: bool = False, proxy: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """Must be made while the event loop runs."""
        self._proxy = proxy
        self._tls = tls or ssl.create_default_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, keepalive_timeout=_KEEP_ALIVE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=proxy_from_environment,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
            read_bufsize=_BUFFER,
            max_line_size=LARGEST_HEAD,
            max_field_size=LARGEST_HEAD,
        )

    @asynccontextmanager
    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AsyncGenerator[HttpAnswer]:
        """See the protocol."""
        patience = aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_connect=timeouts.connect)
        exchange = self._session.request(
            method,
            URL(url, encoded=True),
            # aiohttp warns of larger bytes, and writes files in pieces
            data=io.BytesIO(body) if len(body) > _LARGEST_AT_ONCE else body or None,
            headers=headers,
            timeout=patience,
            allow_redirects=False,
            proxy=self._proxy,
            ssl=self._tls,
        )
        with (
            _faults_mapped(timeouts, answered=False),
            _deadline("first_byte", timeouts.connect + timeouts.first_byte),
        ):
            response = await exchange
        try:
            yield _Answer(response, timeouts)
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def aclose(self) -> None:
        """See the protocol."""
        await self._session.close()


class _Answer:
    def __init__(self, response: aiohttp.ClientResponse, timeouts: Timeouts) -> None:
        self.status = response.status
        self.headers = _joined(response)
        self._response = response
        self._timeouts = timeouts

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in self.chunks():
            size += len(piece)
            if size > limit:
                raise MalformedAnswer(f"the answer is longer than {limit} bytes")
            pieces.append(piece)
        return b"".join(pieces)

    async def chunks(self) -> AsyncGenerator[bytes]:
        content = self._response.content
        while True:
            with _faults_mapped(self._timeouts, answered=True), _deadline("idle", self._timeouts.idle):
                piece = await content.readany()
            if not piece:
                return
            yield piece


def _joined(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


@contextmanager
def _deadline(phase: Phase, seconds: float) -> Generator[None]:
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        raise DeadlinePassed(phase, seconds)


@contextmanager
def _faults_mapped(timeouts: Timeouts, *, answered: bool) -> Generator[None]:
    try:
        yield
    except HttpFault:
        raise
    except aiohttp.ConnectionTimeoutError as error:
        raise DeadlinePassed("connect", timeouts.connect) from error
    except aiohttp.InvalidURL as error:
        raise NotConnected("the URL is not valid") from error
    except aiohttp.ClientConnectorError as error:
        raise NotConnected(f"no connection could be made: {_cause_of(error)}") from error
    except aiohttp.ClientHttpProxyError as error:
        raise NotConnected(f"the proxy refused the connection with HTTP {error.status}") from error
    except aiohttp.ClientResponseError as error:
        raise MalformedAnswer("the answer is not proper HTTP/1.1") from error
    except aiohttp.ClientPayloadError as error:
        if "not completed" not in str(error):
            raise MalformedAnswer("the answer's body is not proper HTTP/1.1") from error
        raise ConnectionLost("the connection ended before the answer did", answered=answered) from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionLost("the connection ended before the answer did", answered=answered) from error


def _cause_of(error: aiohttp.ClientConnectorError) -> str:
    """The system's words for it: asyncio's own add the address, in Python's words."""
    cause = error.os_error
    number = None if isinstance(cause, ssl.SSLError) else cause.errno  # TLS has numbers of its own
    reason = os.strerror(number) if number and number > 0 else cause.strerror
    return reason or type(cause).__name__
