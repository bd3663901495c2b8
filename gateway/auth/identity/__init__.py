"""Users whom an issuer of signed tokens vouches for (JSON Web Tokens, RFC 7519).

Above: `gateway.auth.callers`. Below: PyJWT, and a way to fetch documents that is handed in. Refuses to know: HTTP,
what a key may do.
"""

from gateway.auth.identity.issuers import Issuers, Vouched
from gateway.auth.identity.key_sets import KeySet, KeySetFault, read_key_set, secret_key
from gateway.auth.identity.key_sources import (
    Fetch,
    FetchedKeys,
    FetchFailed,
    FixedKeys,
    KeySource,
    KeysUnavailable,
)
from gateway.auth.identity.settings import IssuerSettings, KeyRule
from gateway.auth.identity.tokens import TokenRefused

__all__ = [
    "Fetch",
    "FetchFailed",
    "FetchedKeys",
    "FixedKeys",
    "IssuerSettings",
    "Issuers",
    "KeyRule",
    "KeySet",
    "KeySetFault",
    "KeySource",
    "KeysUnavailable",
    "TokenRefused",
    "Vouched",
    "read_key_set",
    "secret_key",
]
