"""An issuer of signed tokens, for tests: it has keys, signs, and publishes what verifies."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

AUDIENCE = "https://toolgate.example"


@cache
def private_key(name: str) -> Any:
    """A key of its own for each name, of the type that the name begins with."""
    if name.startswith("ec384"):
        return ec.generate_private_key(ec.SECP384R1())
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    if name.startswith("ed"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if name.startswith("rsa1024") else 2048)


ALGORITHMS = {"rsa": "RS256", "ec": "ES256", "ec384": "ES384", "ed": "EdDSA", "rsa1024": "RS256"}


def jwk(name: str, **more: Any) -> dict[str, Any]:
    """The public half of a key, with its name as `kid`."""
    algorithm = get_default_algorithms()[_algorithm(name)]
    return {**algorithm.to_jwk(private_key(name).public_key(), as_dict=True), "kid": name, "use": "sig", **more}


def _algorithm(name: str) -> str:
    return ALGORITHMS[name.partition("-")[0]]


def encoded(part: Any) -> str:
    """One part of a token, of JSON or of bytes."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens; as an ASGI application it publishes its metadata and its keys. `asked` are the paths."""

    def __init__(self, issuer: str = "https://id.example", *keys: str) -> None:
        self.issuer = issuer
        self.keys = [jwk(key) for key in keys or ("rsa",)]
        self.asked: list[str] = []
        self.status = 200

    @property
    def key_set(self) -> bytes:
        return json.dumps({"keys": self.keys}).encode()

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Good ones, with changes; what is None is left out."""
        now = int(time.time())
        told = {"iss": self.issuer, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600, **claims}
        return {name: value for name, value in told.items() if value is not None}

    def token(self, key: str = "rsa", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token, with changes to its claims and to its header."""
        told = {"alg": _algorithm(key), "kid": key, "typ": "JWT", **(header or {})}
        signed = f"{encoded(told)}.{encoded(self.claims(**claims))}"
        signature = jwt.get_algorithm_by_name(_algorithm(key)).sign(signed.encode(), private_key(key))
        return f"{signed}.{encoded(signature)}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        self.asked.append(request.url.path)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if self.status != 200:
            return Response(status_code=self.status)
        if request.url.path == "/keys":
            return Response(self.key_set, media_type="application/json")
        if request.url.path == "/.well-known/openid-configuration":
            return JSONResponse({"issuer": self.issuer, "jwks_uri": f"{request.base_url}keys"})
        return Response(status_code=404)
