"""Who is calling, and for whom: the one way from a request's headers to a principal.

    a key                        the key's principal
    a key, and x-toolgate-user   the same, for the user whom the token in that header names
    a token in a key's place     the principal of the key as which its issuer's tokens act, for the token's user

Above: every endpoint that is not for operators. Below: the keyring, and issuers of tokens. Refuses to know: HTTP
beyond headers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from gateway.auth.identity import Issuers, KeysUnavailable, TokenRefused, Vouched
from gateway.auth.identity.tokens import looks_like_token
from gateway.auth.keyring import Keyring, presented_in
from gateway.auth.principal import KeyId, Principal
from gateway.errors import AuthenticationFailed, InsufficientScope, Overloaded

_log = logging.getLogger(__name__)

USER_HEADER = "x-toolgate-user"
"""Beside a key: the signed token of the user whom the request is for."""

_NOT_LET_IN = "no valid API key was given; send one of this gateway's keys as `Authorization: Bearer <key>`"
_NO_USER = f"the token in {USER_HEADER} is not valid here"
_TOO_LITTLE = "this token was not granted what it takes here; sign in again"
_NOWHERE: frozenset[str] = frozenset()


class Callers:
    """Recognises callers. One for each configuration; `principals` has that of each key."""

    def __init__(
        self, keyring: Keyring, principals: Mapping[KeyId, Principal] | None = None, issuers: Issuers | None = None
    ) -> None:
        self._keyring = keyring
        self._principals = principals or {}
        self._issuers = issuers or Issuers(())

    async def identify(self, headers: Mapping[str, str], *, audiences: frozenset[str] = _NOWHERE) -> Principal:
        """Whose request this is. `headers` has lower-case names; `audiences` are names under which issuers may
        know the place that it was sent to, besides those of the gateway.

        Raises AuthenticationFailed, in the same words whatever is wrong: a user who cannot be verified is never
        taken for nobody. Raises InsufficientScope, and Overloaded while an issuer's keys were never to be had.
        """
        presented = presented_in(headers)
        principal = self._keyring.find(presented)
        token = headers.get(USER_HEADER)
        if principal is None:
            principal = await self._bearer(presented, audiences)
            if token is not None:  # two users in one request: neither is meant for sure
                raise _no_user()
        elif token is not None:
            vouched = await self._vouched(token, audiences)
            if vouched is None:
                raise _no_user()
            principal = replace(principal, user=vouched.user)
        return principal

    async def _bearer(self, token: str, audiences: frozenset[str]) -> Principal:
        vouched = await self._vouched(token, audiences) if looks_like_token(token) else None
        principal = None if vouched is None or vouched.key_id is None else self._principals.get(vouched.key_id)
        if vouched is None or principal is None:
            raise AuthenticationFailed(_NOT_LET_IN)
        if vouched.lacks:
            raise InsufficientScope(_TOO_LITTLE, scopes=vouched.lacks)
        return replace(principal, user=vouched.user)

    async def _vouched(self, token: str, audiences: frozenset[str]) -> Vouched | None:
        """What a token says; None for one that is not accepted, and the log alone has the reason."""
        try:
            return await self._issuers.vouch(token, audiences=audiences)
        except TokenRefused as refused:
            _log.debug("a token was refused: %s", refused)
            return None
        except KeysUnavailable as error:
            _log.debug("a token could not be verified: %s", error)
            message = "who this is for cannot be verified at the moment: its issuer does not answer"
            raise Overloaded(message, code="identity_unavailable", retry_after=5) from error

    async def run(self) -> None:
        """Keep what is known of issuers up to date, until cancelled."""
        await self._issuers.run()


def _no_user() -> AuthenticationFailed:
    return AuthenticationFailed(_NO_USER, code="invalid_user_token")
