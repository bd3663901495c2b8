"""Who is calling, and for whom: the one way from a request's headers to a principal.

Above: every endpoint that is not for operators. Below: the keyring. Refuses to know: HTTP beyond headers.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.auth.keyring import Keyring
from gateway.auth.principal import Principal
from gateway.errors import AuthenticationFailed

USER_HEADER = "x-toolgate-user"
"""Beside a key: the signed token of the user whom the request is for."""

_NO_USER = f"the token in {USER_HEADER} is not valid here"


class Callers:
    """Recognises callers. One for each configuration."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def identify(self, headers: Mapping[str, str]) -> Principal:
        """Whose request this is. `headers` has lower-case names.

        Raises AuthenticationFailed, in the same words whatever is wrong: a user who cannot be verified is never
        taken for nobody.
        """
        principal = self._keyring.authenticate(headers)
        if USER_HEADER in headers:
            raise AuthenticationFailed(_NO_USER, code="invalid_user_token")
        return principal
