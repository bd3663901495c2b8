"""Private keys with which a client signs its word for itself: RSA, or the curve P-256, as PEM.

Above: the checks of `auth`, and whoever signs. Refuses to know: what is signed. Nothing here quotes a key.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_SHORTEST = 2048  # bits of an RSA key; authorization servers refuse shorter ones


def read_signing_key(pem: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    """The key. Raises ValueError, which says why there is none without a word of it."""
    try:
        key: Any = load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise ValueError("is encrypted, and there is no password for it") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("cannot be read as a private key in PEM") from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < _SHORTEST:
            raise ValueError(f"is an RSA key of less than {_SHORTEST} bits")
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("is of another kind than RSA and P-256")
