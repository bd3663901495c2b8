"""The public keys of an issuer (JSON Web Key Set, RFC 7517): from its bytes to keys that may verify.

Above: `key_sources` and `tokens`. Below: PyJWT. Refuses to know: where the bytes come from.

Each key says itself with which algorithms it may be used; a token has no say in that (RFC 8725, section 3.1). Keys
for other purposes, secrets, and whatever else is not understood are left out, as RFC 7517 wants it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MOST_KEYS = 100
"""In one set."""
LONGEST_KID = 256
"""Characters of a key's id."""

_MEMBERS: Mapping[str, tuple[str, ...]] = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""What is public of a key, by its type; the rest is not even looked at."""
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_BY_CURVE: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}

_MOST_TRIED = 4
"""Keys of one name: each costs a verification."""
_RSA_BITS = range(2048, 8192 + 1)
"""Below, it could be broken (RFC 7518, section 3.3); above, verifying would take too long."""


class KeySetFault(Exception):
    """What an issuer gave is no set of keys, or none of them can be used."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key, and the algorithms with which it may be used."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any = field(repr=False, compare=False)
    material: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys, at least one. Two sets are equal when they have the same keys in the same order."""

    keys: tuple[VerificationKey, ...]

    def fitting(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """The keys that may verify such a signature: few. A token that names no key is for the only one that fits;
        a key without a name may be meant by any.
        """
        able = [key for key in self.keys if algorithm in key.algorithms]
        if kid is None:
            return able if len(able) == 1 else ()
        return [key for key in able if key.kid in (None, kid)][:_MOST_TRIED]


def secret_key(secret: str, algorithms: frozenset[str]) -> KeySet:
    """A secret that the issuer and the gateway share."""
    return KeySet((VerificationKey(None, algorithms, secret.encode(), (secret,)),))


def read_key_set(data: bytes) -> KeySet:
    """The keys in a JSON Web Key Set. Raises KeySetFault, in words that quote nothing of it."""
    try:
        document: Any = json.loads(data)
        entries: Any = document["keys"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise KeySetFault("it is no JSON object with a list of keys") from error
    if not isinstance(entries, list):
        raise KeySetFault("it is no JSON object with a list of keys")
    keys = [key for entry in cast("list[Any]", entries)[:MOST_KEYS] if (key := _read_key(entry)) is not None]
    if not keys:
        raise KeySetFault("none of its keys can be used to verify a signature")
    return KeySet(tuple(keys))


def _read_key(entry: Any) -> VerificationKey | None:
    """A key that may verify signatures; None for any other."""
    if not isinstance(entry, dict):
        return None
    told = cast("dict[str, Any]", entry)
    kid = told.get("kid")
    if not (kid is None or (isinstance(kid, str) and len(kid) <= LONGEST_KID)):
        return None
    algorithms = _algorithms(told)
    members = _MEMBERS.get(told["kty"], ()) if algorithms else ()
    material = tuple(value for name in members if isinstance(value := told.get(name), str))
    if not material or len(material) < len(members):
        return None
    public = {"kty": told["kty"], **dict(zip(members, material, strict=True))}
    try:
        key = jwt.PyJWK(public, algorithm=sorted(algorithms)[0]).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        return None
    return VerificationKey(kid, algorithms, key, (told["kty"], *material))


def _algorithms(told: Mapping[str, Any]) -> frozenset[str]:
    """With which ones it may be used; empty for a key that may not verify signatures."""
    kty, use, operations, alg = (told.get(name) for name in ("kty", "use", "key_ops", "alg"))
    if not isinstance(kty, str) or use not in (None, "sig"):
        return frozenset()
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return frozenset()
    crv = told.get("crv")
    named = _BY_CURVE.get(crv) if isinstance(crv, str) and kty in ("EC", "OKP") else None
    possible = frozenset(_RSA) if kty == "RSA" else frozenset({named} if named else ())
    return possible if alg is None else possible & {alg} if isinstance(alg, str) else frozenset()
