"""Where an issuer's keys come from: given once and for all, or fetched, kept, and fetched anew.

Above: `issuers`. Below: a way to fetch a document, which is handed in. Refuses to know: tokens, HTTP.

A request never fetches: it may wait, for a bounded time, until the one task that fetches has done so. So requests
that are given up in the middle, or name keys that nobody has, cost the issuer no more than one fetch in `rest`
seconds.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import anyio

from gateway.auth.identity.key_sets import KeySet, KeySetFault, VerificationKey, read_key_set

_log = logging.getLogger(__name__)

_FETCHING = 15.0  # seconds for all that leads to a set of keys
_WAITING = 5.0  # seconds that a request waits for it
_LONGEST_URL = 2048  # characters

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a document of bounded size from an https URL, or from this machine. Raises FetchFailed."""


class FetchFailed(Exception):
    """A document could not be had. The text may be logged."""


class KeysUnavailable(Exception):
    """No keys were ever had from this issuer."""


class KeySource(Protocol):
    """Gives the keys that may have signed a token."""

    @property
    def known(self) -> KeySet | None:
        """The keys as of now; another object once they have changed."""
        ...

    async def keys_for(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """The keys that fit. Raises KeysUnavailable."""
        ...

    async def run(self) -> None:
        """Keep the keys up to date, until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys of a file, or a secret."""

    known: KeySet

    async def keys_for(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """See `KeySource`."""
        return self.known.fitting(kid, algorithm)

    async def run(self) -> None:
        """There is nothing to do."""


class FetchedKeys:
    """Keys of an issuer that publishes them: of `jwks_url`, or of where its metadata says that they are.

    They are fetched every `max_age` seconds, and when a token names a key that is not among them, but then with
    `rest` seconds in between. While that fails, those of before are good.
    """

    def __init__(
        self, issuer: str, jwks_url: str | None, fetch: Fetch, *, rest: float = 30.0, max_age: float = 3600.0
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._fetch = fetch
        self._rest = rest
        self._max_age = max_age
        self._known: KeySet | None = None
        self._is_resting = False
        self._wanted = anyio.Event()
        self._fetched = anyio.Event()  # a new one after each attempt

    @property
    def known(self) -> KeySet | None:
        """See `KeySource`."""
        return self._known

    async def keys_for(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """See `KeySource`."""
        fitting = self._fitting(kid, algorithm)
        if not fitting and not self._is_resting:
            self._wanted.set()
            with anyio.move_on_after(_WAITING):
                await self._fetched.wait()
            fitting = self._fitting(kid, algorithm)
        if self._known is None:
            raise KeysUnavailable(f"the keys of {self._issuer} could not be had yet")
        return fitting

    def _fitting(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        return () if self._known is None else self._known.fitting(kid, algorithm)

    async def run(self) -> None:
        """See `KeySource`. What fails is logged, and tried again."""
        while True:
            self._wanted = anyio.Event()
            await self._renew()
            self._is_resting = True
            self._fetched.set()
            self._fetched = anyio.Event()
            await anyio.sleep(self._rest)
            self._is_resting = False
            if self._known is not None:
                with anyio.move_on_after(self._max_age):
                    await self._wanted.wait()

    async def _renew(self) -> None:
        try:
            with anyio.fail_after(_FETCHING):
                url = self._jwks_url or await self._discovered()
                found = read_key_set(await self._fetch(url))
        except (FetchFailed, KeySetFault, TimeoutError) as error:
            kept = "those of before are used" if self._known else "nobody can be verified"
            why = str(error) or f"not within {_FETCHING:g} s"
            _log.warning("the keys of the issuer %s could not be had: %s; %s", self._issuer, why, kept)
            return
        except Exception:  # noqa: BLE001 - the boundary at which no answer of an issuer's may stop the gateway
            _log.exception("the answer of the issuer %s could not be taken", self._issuer)
            return
        if found != self._known:
            _log.info("the issuer %s has %d keys", self._issuer, len(found.keys))
            self._known = found

    async def _discovered(self) -> str:
        """Where the issuer says that its keys are. Raises FetchFailed."""
        first, second = metadata_places(self._issuer)
        try:
            metadata = _object(await self._fetch(first))
        except FetchFailed:
            metadata = _object(await self._fetch(second))
        if metadata.get("issuer") != self._issuer:  # RFC 8414, section 3.3: else it could be anybody's
            raise FetchFailed("its metadata is of another issuer")
        url = metadata.get("jwks_uri")
        if not isinstance(url, str) or not 0 < len(url) <= _LONGEST_URL:
            raise FetchFailed("its metadata names no keys")
        if self._issuer.startswith("https:") and not url.startswith("https:"):
            raise FetchFailed("its keys would come unencrypted")
        return url


def metadata_places(issuer: str) -> tuple[str, str]:
    """Where an issuer's metadata may be: OpenID Connect Discovery, section 4.1, and RFC 8414, section 3.1."""
    base = issuer.removesuffix("/")
    scheme, _, rest = base.partition("://")
    host, slash, path = rest.partition("/")
    oauth = f"{scheme}://{host}/.well-known/oauth-authorization-server{slash}{path}"
    return f"{base}/.well-known/openid-configuration", oauth


def _object(data: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FetchFailed("its metadata is not JSON") from error
    if not isinstance(value, dict):
        raise FetchFailed("its metadata is no JSON object")
    return cast("dict[str, Any]", value)
