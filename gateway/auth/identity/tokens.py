"""One signed token: what it claims, and whether its issuer has signed that (RFC 7519, RFC 8725).

Above: `issuers`. Below: PyJWT, which decodes, verifies and compares times. Refuses to know: where keys come from.

Nothing in a token says how it is to be verified: `alg` must be among those of the issuer and of the key, `kid`
chooses among the issuer's own keys only, and `jku`, `x5u`, `jwk` and `x5c` are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import jwt

from gateway.auth.identity.key_sets import LONGEST_KID, VerificationKey
from gateway.auth.identity.settings import IssuerSettings

LONGEST_TOKEN = 16 * 1024
"""Characters."""
MOST_AUDIENCES = 100
"""Of one token."""
LONGEST_SUBJECT = 255
"""Characters, as OpenID Connect Core bounds them (section 2)."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_TYPES = frozenset({"jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""Tokens for other purposes, such as to log out, say so (RFC 8725, section 3.11)."""
_TIMES = ("exp", "nbf", "iat")
_SPOILT = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)
"""Whatever a library may make of what anybody can send."""


class TokenRefused(Exception):
    """A token is not accepted. The text is for the operator; it quotes nothing of the token."""


@dataclass(frozen=True, slots=True)
class ClaimedToken:
    """What a token says of itself, before anything is verified."""

    text: str = field(repr=False)
    issuer: str
    algorithm: str
    kid: str | None


def looks_like_token(text: str) -> bool:
    """Whether it has the form of a signed token, and not a size beyond reason."""
    return len(text) <= LONGEST_TOKEN and _FORM.fullmatch(text) is not None


def read_claimed(text: str) -> ClaimedToken:
    """Who is said to have signed a token, and how. Raises TokenRefused."""
    if not looks_like_token(text):
        raise TokenRefused("it has not the form of a signed token")
    try:
        unverified = jwt.decode_complete(text, options={"verify_signature": False})
    except _SPOILT as error:
        raise TokenRefused("it cannot be read") from error
    header: Mapping[str, Any] = unverified["header"]
    issuer, algorithm, kid = unverified["payload"].get("iss"), header.get("alg"), header.get("kid")
    if not isinstance(issuer, str) or not isinstance(algorithm, str):
        raise TokenRefused("it names no issuer, or no algorithm")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= LONGEST_KID):
        raise TokenRefused("the id of its key is none")
    if "crit" in header or "b64" in header:
        raise TokenRefused("it insists on extensions")
    kind = header.get("typ")
    if kind is not None and not (isinstance(kind, str) and kind.lower() in _TYPES):
        raise TokenRefused("it is of a type for another purpose")
    return ClaimedToken(text, issuer, algorithm, kid)


def verified_claims(
    token: ClaimedToken, keys: Sequence[VerificationKey], settings: IssuerSettings
) -> Mapping[str, Any]:
    """The claims of a token that one of the keys has signed and that holds now. Raises TokenRefused.

    Whom it is for is left to the caller: that depends on where it is presented.
    """
    if token.issuer != settings.issuer or token.algorithm not in settings.algorithms:
        raise TokenRefused("its algorithm is not one of its issuer's")
    refusal = "none of its issuer's keys has signed it"
    for key in keys:
        if token.algorithm not in key.algorithms:
            continue
        try:
            claims = _decoded(token, key, settings)
        except jwt.InvalidSignatureError:
            continue
        except _SPOILT as error:
            refusal = f"it does not hold: {type(error).__name__}"
            break
        if all(_is_time(claims.get(name)) for name in _TIMES):
            return claims
        refusal = "its times are no numbers"
    raise TokenRefused(refusal)


def _decoded(token: ClaimedToken, key: VerificationKey, settings: IssuerSettings) -> Mapping[str, Any]:
    return jwt.decode(
        token.text,
        key.key,
        algorithms=[token.algorithm],  # one of the issuer's and of the key's own
        issuer=settings.issuer,
        leeway=settings.leeway,
        options={"require": ["exp"], "verify_aud": False, "verify_sub": False, "verify_jti": False},
    )


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def subject_in(claims: Mapping[str, Any], user_claim: str) -> str:
    """Who the user is. Raises TokenRefused for what is no name, or cannot be shown as what it is."""
    subject = claims.get(user_claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise TokenRefused(f"its claim {user_claim} names no user")
    if user_claim == "email" and claims.get("email_verified") is False:
        raise TokenRefused("its issuer has not verified the address")
    return subject


def audiences_in(claims: Mapping[str, Any]) -> frozenset[str]:
    """Whom a token is for. Raises TokenRefused for what names nobody."""
    said = claims.get("aud")
    listed = cast("list[Any]", said) if isinstance(said, list) else [said]
    named = frozenset(one for one in listed if isinstance(one, str))
    if not named or len(listed) > MOST_AUDIENCES or not all(isinstance(one, str) for one in listed):
        raise TokenRefused("it does not say whom it is for")
    return named
