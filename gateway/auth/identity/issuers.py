"""All issuers of a configuration: from a token to what its issuer vouches for.

Above: `gateway.auth.callers`. Below: one token, and the keys of one issuer. Refuses to know: headers, keys.

To verify a signature costs more than all else that is done to authenticate a request, so what came of it is kept
until the token ends or the issuer's keys change: by the token's digest, so that no token stays in memory.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import anyio

from gateway.auth.identity.key_sets import KeySet
from gateway.auth.identity.key_sources import KeySource
from gateway.auth.identity.settings import IssuerSettings, claim_values
from gateway.auth.identity.tokens import (
    ClaimedToken,
    TokenRefused,
    audiences_in,
    read_claimed,
    subject_in,
    verified_claims,
)
from gateway.auth.principal import KeyId
from gateway.auth.user import User

_FOR_EVER = 1e12  # seconds since the epoch: whole numbers in JSON can be too long for a float

MOST_KEPT = 4096
"""Verified tokens of one issuer."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a verified token says: who the user is, whom it is for, as which key it acts, and what it
    was not granted of what that takes.

    `key_id` is None where none of the issuer's rules holds. `expires` is in seconds since the epoch.
    """

    user: User
    audiences: frozenset[str]
    key_id: KeyId | None
    lacks: frozenset[str]
    expires: float


@dataclass(slots=True)
class _Issuer:
    """One issuer, its keys, and the tokens of it that were verified of late, the longest unused first."""

    settings: IssuerSettings
    source: KeySource
    kept: OrderedDict[bytes, Vouched] = field(default_factory=OrderedDict[bytes, Vouched])
    kept_under: KeySet | None = None

    def recall(self, digest: bytes, now: float) -> Vouched | None:
        if self.kept_under is not self.source.known:
            self.kept.clear()
            return None
        vouched = self.kept.get(digest)
        if vouched is None:
            return None
        if vouched.expires <= now:
            del self.kept[digest]
            return None
        self.kept.move_to_end(digest)
        return vouched

    def keep(self, digest: bytes, vouched: Vouched) -> None:
        if self.kept_under is not self.source.known:
            self.kept.clear()
            self.kept_under = self.source.known
        self.kept[digest] = vouched
        if len(self.kept) > MOST_KEPT:
            self.kept.popitem(last=False)


class Issuers:
    """See the module. `clock` gives seconds since the epoch."""

    def __init__(
        self, issuers: Iterable[tuple[IssuerSettings, KeySource]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuers = {settings.issuer: _Issuer(settings, source) for settings, source in issuers}
        self._clock = clock

    async def vouch(self, text: str, *, audiences: frozenset[str] = frozenset()) -> Vouched:
        """What a token says, once it is verified. It must be for one of the issuer's audiences, or of `audiences`.

        Raises TokenRefused and KeysUnavailable.
        """
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        issuer, vouched = self._recalled(digest)
        if vouched is None:
            token = read_claimed(text)
            issuer = self._issuers.get(token.issuer)
            if issuer is None:
                raise TokenRefused("its issuer is none of those that are configured")
            vouched = await self._verified(token, issuer)
            issuer.keep(digest, vouched)
        if issuer is None or not vouched.audiences & (issuer.settings.audiences | audiences):
            raise TokenRefused("it is for somebody else")
        return vouched

    def _recalled(self, digest: bytes) -> tuple[_Issuer | None, Vouched | None]:
        now = self._clock()
        for issuer in self._issuers.values():
            if vouched := issuer.recall(digest, now):
                return issuer, vouched
        return None, None

    async def _verified(self, token: ClaimedToken, issuer: _Issuer) -> Vouched:
        settings = issuer.settings
        if token.algorithm not in settings.algorithms:
            raise TokenRefused("its algorithm is not one of its issuer's")
        keys = await issuer.source.keys_for(token.kid, token.algorithm)
        claims = verified_claims(token, keys, settings)
        expires: Any = claims["exp"]
        words = (*claim_values(claims, "scope"), *claim_values(claims, "scp"))
        return Vouched(
            User(settings.issuer, subject_in(claims, settings.user_claim)),
            audiences_in(claims),
            settings.key_for(claims),
            settings.scopes - {word for word in words if isinstance(word, str)},
            min(expires, _FOR_EVER) + settings.leeway,
        )

    async def run(self) -> None:
        """Keep all issuers' keys up to date, until cancelled."""
        async with anyio.create_task_group() as tasks:
            for issuer in self._issuers.values():
                tasks.start_soon(issuer.source.run)
