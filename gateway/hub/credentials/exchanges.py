"""Exchanges with authorization servers: bounded in time and size, without redirects, and not into our network.

Above: `fetching`. Below: aiohttp. Refuses to know: what is fetched.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp
import anyio
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.hub.credentials.addresses import Zone, zone_of, zones_reached_from
from gateway.hub.credentials.challenges import Challenge, read_challenges
from gateway.hub.credentials.faults import OAuthFault

_DEADLINE = 15.0  # seconds for one exchange
_LARGEST = 256 * 1024  # bytes of an answer


async def ask_for_challenge(url: str, body: bytes | None, headers: Mapping[str, str]) -> Challenge:
    """What the server at `url`, which the operator has named, answers without credentials. Raises OAuthFault.

    `body` is posted; without one it is a GET.
    """
    method = "GET" if body is None else "POST"
    with _faults_mapped(), anyio.fail_after(_DEADLINE):
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.request(method, url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status not in (401, 403):
                return Challenge()
            return read_challenges(response.headers.getall("WWW-Authenticate", ()))


async def exchange(
    server_url: str, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, bytes]:
    """The status and body of what `url` gives, to which the server at `server_url` leads. Raises OAuthFault."""
    with _faults_mapped(), anyio.fail_after(_DEADLINE):
        reach = zones_reached_from(await _zones_of(server_url))
        _check_literal(url, reach)
        connector = aiohttp.TCPConnector(resolver=_CheckedResolver(reach), use_dns_cache=False, force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client,
            client.request(method, url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status, await _read(response)


class _Elsewhere(OSError):
    """A host that may not be reached from here."""


class _CheckedResolver(AbstractResolver):
    """Resolves names to addresses of some zones; with one elsewhere, to none at all."""

    def __init__(self, zones: Collection[Zone]) -> None:
        self._inner = ThreadedResolver()
        self._zones = zones

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(zone_of(result["host"]) in self._zones for result in found):
            raise _Elsewhere
        return found

    async def close(self) -> None:
        await self._inner.close()


def _check_literal(url: str, zones: Collection[Zone]) -> None:
    """An address that stands in the URL itself is not resolved."""
    host = urlsplit(url).hostname or ""
    if (":" in host or host.replace(".", "").isdigit()) and zone_of(host) not in zones:
        raise _Elsewhere


async def _zones_of(url: str) -> frozenset[Zone]:
    """Where the server is that the operator has named."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname or "", parts.port or 443, type=socket.SOCK_STREAM)
    return frozenset(zone_of(str(address[0])) for *_, address in found)


@contextmanager
def _faults_mapped() -> Generator[None]:
    """Turn what goes wrong on the way into an OAuthFault that quotes nothing."""
    try:
        yield
    except (aiohttp.ClientError, OSError, UnicodeError) as error:  # a TimeoutError is an OSError
        if isinstance(error, _Elsewhere) or isinstance(getattr(error, "os_error", None), _Elsewhere):
            raise OAuthFault("its metadata leads into a network in which the server itself is not") from error
        what = f"took longer than {_DEADLINE:g} s" if isinstance(error, TimeoutError) else "could not be reached"
        raise OAuthFault(f"what it needs for its authorization {what}", is_passing=True) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST:
            raise OAuthFault("its authorization server answered with far too much")
    return bytes(body)
