"""Tokens that are fetched, all the way: a token endpoint, the gateway, and a provider that sees them."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import Receive, Scope, Send

from gateway.providers.scripted import ScriptedUpstream, Turn
from gateway.providers.scripted.serving import serve_app
from tests.contract.gemini.asking import whole
from tests.support.gateways import SECRET, gateway_in_process


class Tokens:
    """A token endpoint; with `is_down` it refuses."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.asked += 1
        status, body = (400, {"error": "invalid_grant"}) if self.is_down else (200, {"access_token": "ya29.token"})
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({**body, "expires_in": 3600}).encode()})


def account(folder: Path, token_uri: str) -> Path:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = folder / "account.json"
    path.write_text(
        json.dumps({"type": "service_account", "client_email": "r@p", "private_key": pem, "token_uri": token_uri})
    )
    return path


async def test_a_provider_gets_tokens_in_the_place_of_a_key(tmp_path: Path):
    tokens = Tokens()
    async with serve_app(tokens) as origin, ScriptedUpstream().serve() as upstream:
        account(tmp_path, f"{origin}/token")
        document = {
            "providers": {
                "vertex": {
                    "kind": "vertex",
                    "base_url": upstream.base_url,
                    "auth": {"google": {"credentials_file": "account.json"}},
                },
                "azure": {
                    "kind": "azure",
                    "base_url": upstream.base_url,
                    "auth": {
                        "oauth2": {"token_url": f"{origin}/token", "client_id": "app", "client_secret": "s3cret"}
                    },
                },
            },
            "models": {
                "gem": [{"provider": "vertex", "model": "gemini-9-pro"}],
                "gpt": [{"provider": "azure", "model": "gpt"}],
            },
            "keys": {"agent": {"secret": SECRET}},
        }
        async with gateway_in_process(tmp_path, document, {}) as gateway:
            for model in ("gem", "gpt", "gem", "gpt"):
                upstream.add(Turn(text="Hi."))
                assert (await whole(gateway, model)).text == "Hi."
                assert upstream.requests[-1].headers["authorization"] == "Bearer ya29.token"
                assert "x-goog-api-key" not in upstream.requests[-1].headers
    assert tokens.asked == 2


async def test_a_token_that_cannot_be_had_is_told_and_nothing_is_sent(tmp_path: Path):
    tokens = Tokens()
    tokens.is_down = True
    async with serve_app(tokens) as origin, ScriptedUpstream().serve() as upstream:
        account(tmp_path, f"{origin}/token")
        document = {
            "providers": {
                "vertex": {
                    "kind": "vertex",
                    "base_url": upstream.base_url,
                    "auth": {"google": {"credentials_file": "account.json"}},
                }
            },
            "keys": {"agent": {"secret": SECRET}},
        }
        async with gateway_in_process(tmp_path, document, {}) as gateway, gateway.http() as http:
            body = {"contents": [{"parts": [{"text": "hi"}]}]}
            answer = await http.post("/v1beta/models/vertex/gemini-9-pro:generateContent", json=body)
    assert answer.status_code == 502
    assert "the token endpoint answered HTTP 400 (invalid_grant)" in answer.json()["error"]["message"]
    assert upstream.requests == []
