"""Sends one HTTP message to one server: with credentials, and along a redirect that stays at the server.

Above: `gateway.hub.transports.http` and `.sse`. Below: aiohttp. Refuses to know: JSON-RPC.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.peer import RequestFault
from gateway.hub.transports.http_answers import credentials_refusal, discard, redirect_target

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_NOT_IN_HEADERS = re.compile("[\x00-\x08\x0a-\x1f\x7f]|[\ud800-\udfff]")
_CONNECT_TIMEOUT = 10.0  # seconds for a TCP and TLS connection
_KEEP_ALIVE = 4.0  # seconds; less than common servers' 5, so that we never write to a socket they just closed

Sending = AbstractAsyncContextManager[aiohttp.ClientResponse]
"""An answer, whose body can be read within the context."""


def open_client() -> aiohttp.ClientSession:
    """A client for one server. It keeps no cookies, and calls in flight are bounded above it."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


def check_headers(headers: Mapping[str, str]) -> None:
    """See that every header can be sent, without repeating what is in it (RFC 9110, section 5.5)."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _NOT_IN_HEADERS.search(value):
            raise RequestFault(
                f"the header {name!r} of its configuration holds characters that HTTP does not allow"
            )


@asynccontextmanager
async def with_credentials(
    send: Callable[[Mapping[str, str]], Sending], authorizer: Authorizer | None
) -> AsyncGenerator[aiohttp.ClientResponse]:
    """Send, with further headers; once more with better ones when it was refused, unexecuted, because of those.

    Raises PeerError when there are none to be had.
    """
    if authorizer is None:
        async with send({}) as response:
            yield response
            return
    sent = await authorizer.headers()
    async with send(sent) as response:
        refusal = credentials_refusal(response, sent)
        if refusal is None:
            yield response
            return
        await discard(response)
    async with send(await authorizer.renew(refusal)) as response:
        yield response


class HttpSender:
    """What leaves for the server at `url`. `authorizer` gives what goes with messages on nobody's behalf."""

    def __init__(self, client: aiohttp.ClientSession, url: str, authorizer: Authorizer | None) -> None:
        self._client = client
        self._url = url
        self._authorizer = authorizer

    @asynccontextmanager
    async def post(
        self, body: bytes, headers: Mapping[str, str], authorizer: Authorizer | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """POST; a redirect that keeps method and origin is followed, once, and remembered."""
        async with self._send("POST", headers, body, authorizer) as response:
            if not 300 <= response.status < 400:
                yield response
                return
            self._url = redirect_target(self._url, response)
        async with self._send("POST", headers, body, authorizer) as response:
            if 300 <= response.status < 400:
                raise RequestFault(f"HTTP {response.status}: the server redirects in circles")
            yield response

    def get(self, headers: Mapping[str, str]) -> Sending:
        """GET."""
        return self._send("GET", headers)

    def delete(self, headers: Mapping[str, str]) -> Sending:
        """DELETE."""
        return self._send("DELETE", headers)

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        authorizer: Authorizer | None = None,
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        def send(more: Mapping[str, str]) -> Sending:
            return self._client.request(
                method, self._url, data=body, headers={**headers, **more}, allow_redirects=False
            )

        async with with_credentials(send, authorizer or self._authorizer) as response:
            yield response
