"""A client's signed word for itself, in the place of a secret (RFC 7523, section 2.2; RFC 7515)."""

from __future__ import annotations

import base64
import secrets

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from gateway.config.signing_keys import read_signing_key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_LIFE = 120  # seconds


def sign_assertion(pem: str, client_id: str, audience: str, *, now: float) -> str:
    """The assertion of a client for an audience, good for two minutes and once. Raises ValueError for the key."""
    key = read_signing_key(pem)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": int(now),
        "exp": int(now) + _LIFE,
        "jti": secrets.token_urlsafe(16),
    }
    head = {"alg": "RS256" if isinstance(key, RSAPrivateKey) else "ES256", "typ": "JWT"}
    signed = f"{_segment(orjson.dumps(head))}.{_segment(orjson.dumps(claims))}"
    return f"{signed}.{_segment(_sign(key, signed.encode()))}"


def _sign(key: RSAPrivateKey | EllipticCurvePrivateKey, data: bytes) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(data, PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
