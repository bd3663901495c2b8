"""A token endpoint on loopback, and a service account of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.types import Receive, Scope, Send

from gateway.providers import HttpClient, make_http_client
from gateway.providers.scripted.serving import serve_app


@dataclass
class TokenEndpoint:
    """Gives tokens by number; `say` takes the place of an answer, `gate` holds answers back."""

    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    say: tuple[int, Any] | None = None
    expires_in: Any = 3600
    gate: anyio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.asked.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        if self.gate is not None:
            await self.gate.wait()
        token = {"access_token": f"token-{len(self.asked)}", "token_type": "Bearer", "expires_in": self.expires_in}
        status, answer = self.say or (200, token)
        await send({"type": "http.response.start", "status": status, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture
async def endpoint() -> AsyncGenerator[TokenEndpoint]:
    app = TokenEndpoint()
    async with serve_app(app) as origin:
        app.url = f"{origin}/token"
        yield app


@pytest.fixture
async def client() -> AsyncGenerator[HttpClient]:
    client = make_http_client()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def public_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


Write = Callable[..., Path]


@pytest.fixture
def account_file(tmp_path: Path, key: rsa.RSAPrivateKey, endpoint: TokenEndpoint) -> Write:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def write(**changed: Any) -> Path:
        account: Mapping[str, Any] = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k1",
            "private_key": pem,
            "client_email": "robot@p.iam.gserviceaccount.com",
            "token_uri": endpoint.url,
            **changed,
        }
        path = tmp_path / "account.json"
        path.write_text(json.dumps({name: value for name, value in account.items() if value is not None}))
        return path

    return write
