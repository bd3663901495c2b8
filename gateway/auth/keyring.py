"""Virtual keys: from the secret that a request presents to the principal it stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from gateway.auth.principal import Principal


class Keyring:
    """All keys of one configuration. Keeps digests alone; the secrets are forgotten at once.

    A secret is looked up by its SHA-256 digest: how long that takes tells nothing about how much of a guess
    was right.
    """

    def __init__(self, keys: Iterable[tuple[str, Principal]]) -> None:
        """Take pairs of secret and principal. Raises ValueError when two keys share a secret, or one is empty."""
        self._principals: dict[bytes, Principal] = {}
        for secret, principal in keys:
            digest = _digest(secret)
            if not secret:
                raise ValueError(f"the key {principal.key_id} has an empty secret")
            if digest in self._principals:
                other = self._principals[digest].key_id
                raise ValueError(f"the keys {other} and {principal.key_id} have the same secret")
            self._principals[digest] = principal

    def find(self, secret: str) -> Principal | None:
        """Whose secret this is."""
        return self._principals.get(_digest(secret))


def presented_in(headers: Mapping[str, str]) -> str:
    """What a request presents to be let in. `headers` has lower-case names; `Authorization: Bearer` goes before
    `x-api-key` and `x-goog-api-key`.
    """
    return bearer_token(headers) or (headers.get("x-api-key") or headers.get("x-goog-api-key", "")).strip()


def bearer_token(headers: Mapping[str, str]) -> str:
    """The credentials of `Authorization: Bearer` (RFC 6750, section 2.1); empty where there are none."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
