"""Fetches what documents of others name: bounded in time and size, without redirects, and not into our network.

Above: discovery, registration and token requests. Below: aiohttp. Refuses to know: what is fetched.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

import aiohttp
import anyio
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from gateway.hub.credentials.addresses import Zone, endpoint_fault, zone_of, zones_reached_from
from gateway.hub.credentials.challenges import Challenge, read_challenges
from gateway.hub.credentials.faults import OAuthFault

_DEADLINE = 15.0  # seconds for one exchange
_LARGEST = 256 * 1024  # bytes of an answer
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "toolgate"}
_PING = orjson.dumps({"jsonrpc": "2.0", "id": 0, "method": "ping"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The status of an answer, and the JSON object in it; empty when there is none."""

    status: int
    document: Mapping[str, Any] = field(repr=False)


class Fetcher:
    """Fetches on behalf of the server at `server_url`, which the operator has named."""

    def __init__(self, server_url: str, headers: Mapping[str, str] | None = None) -> None:
        """`headers` are what the operator sends to the server itself, and nobody else."""
        self._server_url = server_url
        self._headers = headers or {}

    async def get(self, url: str) -> Answer:
        """GET a document. Raises OAuthFault."""
        return await self._fetch("GET", url, None, {})

    async def post_form(
        self, url: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POST a form. Raises OAuthFault."""
        body = urlencode(form).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._fetch("POST", url, body, {**kind, **(headers or {})})

    async def post_json(self, url: str, document: Mapping[str, Any]) -> Answer:
        """POST a document. Raises OAuthFault."""
        return await self._fetch("POST", url, orjson.dumps(document), {"Content-Type": "application/json"})

    async def challenge(self) -> Challenge:
        """What the server itself says of credentials when it is asked without any. Raises OAuthFault."""
        accepted = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        headers = {**self._headers, **_HEADERS, **accepted}
        with _faults_mapped(), anyio.fail_after(_DEADLINE):
            async with (
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
                client.post(self._server_url, data=_PING, headers=headers, allow_redirects=False) as response,
            ):
                if response.status not in (401, 403):
                    return Challenge()
                return read_challenges(response.headers.getall("WWW-Authenticate", ()))

    async def _fetch(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if fault := endpoint_fault(url):
            raise OAuthFault(f"a URL that its metadata names {fault}")
        with _faults_mapped(), anyio.fail_after(_DEADLINE):
            reach = zones_reached_from(await _zones_of(self._server_url))
            _check_literal(url, reach)
            connector = aiohttp.TCPConnector(
                resolver=_CheckedResolver(reach), use_dns_cache=False, force_close=True
            )
            async with (
                aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client,
                client.request(
                    method, url, data=body, headers={**_HEADERS, **headers}, allow_redirects=False
                ) as response,
            ):
                return Answer(response.status, _object_in(await _read(response)))


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


def _object_in(body: bytes) -> Mapping[str, Any]:
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
