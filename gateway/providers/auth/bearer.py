"""Bearer tokens that live for a while: kept, and renewed before they end.

One request fetches for all. While a token is good, nobody waits for its renewal; when one cannot be renewed, it is
used to its end.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import anyio

from gateway.providers.provider import CredentialsUnavailable

_log = logging.getLogger(__name__)

_AHEAD = 300.0  # seconds before its end that a token is renewed; a quarter of its life, if that is shorter
_LAST = 10.0  # seconds before its end from which a token is not used any more: it must outlive its way
_DEADLINE = 30.0  # seconds for one attempt
_PAUSE = 5.0  # seconds after a failure before anybody asks again


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token. `lifetime` is in seconds from now; `headers` go with it, names in lower case."""

    value: str = field(repr=False)
    lifetime: float
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class TokenSource(Protocol):
    """Where tokens come from."""

    async def fetch(self) -> Token:
        """A new token. Raises CredentialsUnavailable. May be given up in the middle."""
        ...


class BearerAuthorizer:
    """See `gateway.providers.provider.Authorizer`."""

    def __init__(self, source: TokenSource, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._lock = anyio.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._usable_until = 0.0
        self._failure: CredentialsUnavailable | None = None

    async def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """The token; it is the same for every request. Raises CredentialsUnavailable."""
        token = self._kept() or await self._renewed()
        return {**token.headers, "authorization": f"Bearer {token.value}"}

    def _kept(self) -> Token | None:
        """The token, where there is no need to wait for another."""
        now = self._clock()
        is_fresh = now < self._renew_at or (self._lock.locked() and now < self._usable_until)
        return self._token if is_fresh else None

    async def _renewed(self) -> Token:
        async with self._lock:
            if self._token is not None and self._clock() < self._renew_at:
                return self._token  # whoever held the lock has fetched it
            if self._failure is not None and self._clock() < self._renew_at:
                raise CredentialsUnavailable(str(self._failure)) from self._failure
            try:
                self._keep(await self._fetched())
            except CredentialsUnavailable as failure:
                self._note(failure)
            if self._token is None:
                raise CredentialsUnavailable("no credentials could be had")
            return self._token

    async def _fetched(self) -> Token:
        try:
            with anyio.fail_after(_DEADLINE):
                return await self._source.fetch()
        except TimeoutError as error:
            raise CredentialsUnavailable(f"no credentials could be had within {_DEADLINE:g} s") from error

    def _keep(self, token: Token) -> None:
        now = self._clock()
        self._token, self._failure = token, None
        self._usable_until = now + max(token.lifetime - _LAST, token.lifetime / 2)
        self._renew_at = now + token.lifetime - max(min(_AHEAD, token.lifetime / 4), 0.0)

    def _note(self, failure: CredentialsUnavailable) -> None:
        """Go on with the old token while it is good. Raises the failure where there is none."""
        now = self._clock()
        self._renew_at = now + _PAUSE
        if self._token is not None and now < self._usable_until:
            _log.warning("%s; those of before are used while they last", failure)
            return
        self._token, self._failure = None, failure
        raise failure
