"""MCP clients that let their users sign in: the official SDK's, with its own authorization server."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.app import build_app
from gateway.building.shared import Shared, open_shared
from gateway.config import load_config
from gateway.providers.scripted.serving import serve_app
from gateway.runtime import open_gateway
from tests.support.gateways import SECRET, write_files
from tests.support.issuing import Issuer

from .authorizing import Authorizing

WELL_KNOWN = "/.well-known/oauth-protected-resource"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


class Later:
    """An application that can be made only once it is known where it is served."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Place:
    """Where the gateway is, and who lets its users in."""

    origin: str
    shared: Shared
    server: Authorizing

    async def post(self, path: str, token: str | None, **headers: str) -> httpx2.Response:
        given = {**JSON, **headers, **({"authorization": f"Bearer {token}"} if token else {})}
        async with httpx2.AsyncClient(base_url=self.origin) as client:
            return await client.post(path, json=LIST, headers=given)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def document(issuer: str, public_url: str) -> Mapping[str, Any]:
    told = {
        "issuer": issuer,
        "jwks_url": f"{issuer.rstrip('/')}/keys",
        "audience": "the gateway as a whole",
        "mcp_sign_in": True,
        "scopes": ["tools"],
        "keys": [{"key": "agent"}],
    }
    demo = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    return {
        "mcpServers": {"demo": demo, "hidden": {**demo, "disabled": True}},
        "keys": {"agent": {"secret": SECRET, "policies": ["all"]}},
        "mcp_endpoint": {"public_url": public_url},
        "identity": {"issuers": {"corp": told}},
    }


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Place]:
    folder: Path = tmp_path_factory.mktemp("signing-in")
    authority, served = Later(), Later()
    async with serve_app(authority) as issuing, serve_app(served) as origin:
        issuer = Issuer(f"{issuing}/", "rsa")
        server = Authorizing(issuer, frozenset({"tools"}))
        authority.app = server.app()
        policies = {"all": {"allow": ["demo/*"]}}
        config = load_config(write_files(folder, document(issuer.issuer, origin), policies))
        async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
            with anyio.fail_after(60):
                await gateway.settled()
            served.app = build_app(gateway.admit, gateway.metrics, observe=gateway.observe)
            yield Place(origin, shared, server)


class Storage:
    """What a client keeps."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


@asynccontextmanager
async def signing_in(url: str) -> AsyncGenerator[Client]:
    """The SDK's client, whose user signs in without a look."""
    seen: list[str] = []

    async def redirect(where: str) -> None:
        async with httpx2.AsyncClient(follow_redirects=False) as browser:
            seen.append((await browser.get(where)).headers["location"])

    async def callback() -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(seen[-1]).query)
        return AuthorizationCodeResult(
            code=query["code"][0], state=query["state"][0], iss=query.get("iss", [None])[0]
        )

    metadata = OAuthClientMetadata(client_name="test", redirect_uris=[AnyUrl("http://127.0.0.1:1/callback")])
    auth = OAuthClientProvider(url, metadata, Storage(), redirect, callback)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/mcp", "/mcp/demo"])
async def test_a_client_without_a_key_is_led_to_the_issuer_and_let_in(place: Place, path: str):
    async with signing_in(f"{place.origin}{path}") as client:
        tools = (await client.list_tools()).tools
        assert tools
        name = next(tool.name for tool in tools if tool.name.endswith("calculate"))
        await client.call_tool(name, {"expression": "6*7"})
    assert place.server.resources[-1] == f"{place.origin}{path}"
    await place.shared.audit.flush()
    run = (await place.shared.audit.runs())[0]
    assert run.user is not None
    assert (run.key_id, run.user.subject, run.user.issuer) == ("agent", "ann", place.server.issuer.issuer)


@pytest.mark.parametrize("path", ["/mcp", "/mcp/demo"])
@pytest.mark.parametrize("forged", [{}, {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}])
async def test_who_has_no_token_is_told_where_to_learn_of_one(place: Place, path: str, forged: dict[str, str]):
    answer = await place.post(path, None, **forged)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == (
        f'Bearer scope="tools", resource_metadata="{place.origin}{WELL_KNOWN}{path}"'
    )
    bad = await place.post(path, "nobody")
    assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    assert answer.json()["error"]["message"] == bad.json()["error"]["message"]


@pytest.mark.parametrize("path", ["", "/mcp", "/mcp/demo", "/mcp/never-heard-of"])
@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example"},
    ],
    ids=str,
)
async def test_what_clients_are_told_is_made_of_what_the_operator_says(
    place: Place, path: str, forged: dict[str, str]
):
    async with httpx2.AsyncClient(base_url=place.origin) as client:
        answer = await client.get(f"{WELL_KNOWN}{path}", headers=forged)
    assert answer.json() == {
        "resource": f"{place.origin}{path}",
        "authorization_servers": [place.server.issuer.issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": "toolgate",
        "scopes_supported": ["tools"],
    }
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/", "/mcp/", "/mcp/a/b", "/mcp/%0d%0a", "/v1", "/mcp/é", "/../mcp"])
async def test_nothing_else_is_protected_by_oauth(place: Place, path: str):
    async with httpx2.AsyncClient(base_url=place.origin) as client:
        assert (await client.get(f"{WELL_KNOWN}{path}")).status_code == 404


async def test_a_token_is_good_where_it_was_asked_for(place: Place):
    issuer = place.server.issuer
    for aud, good_at in (
        (f"{place.origin}/mcp", {"/mcp"}),
        (f"{place.origin}/mcp/demo", {"/mcp/demo"}),
        (["other", f"{place.origin}/mcp/demo"], {"/mcp/demo"}),
        ("the gateway as a whole", {"/mcp", "/mcp/demo"}),
        (place.origin, set()),
        ("https://other.example/mcp", set()),
        (f"{place.origin}/mcp/", set()),
        (f"{place.origin}/mcp/hidden", set()),
    ):
        token = issuer.token(aud=aud, scope="tools")
        for path in ("/mcp", "/mcp/demo"):
            answer = await place.post(path, token, **{"x-forwarded-host": "other.example"})
            assert (answer.status_code != 401) is (path in good_at), (aud, path, answer.text)


async def test_a_token_for_mcp_is_good_for_nothing_else(place: Place):
    token = place.server.issuer.token(aud=f"{place.origin}/mcp", scope="tools")
    async with httpx2.AsyncClient(base_url=place.origin, headers={"authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/v1/tools")).status_code == 401
        assert (await client.get("/v1/models")).status_code == 401


async def test_who_was_granted_too_little_is_told_what_is_wanting(place: Place):
    for scope in (None, "", "other", "TOOLS", "toolsmore"):
        answer = await place.post("/mcp", place.server.issuer.token(aud=f"{place.origin}/mcp", scope=scope))
        assert answer.status_code == 403
        told = answer.headers["www-authenticate"]
        assert 'error="insufficient_scope"' in told
        assert 'scope="tools"' in told
        assert f'resource_metadata="{place.origin}{WELL_KNOWN}/mcp"' in told


async def test_a_session_is_its_users_alone(place: Place):
    def token(subject: str) -> str:
        return place.server.issuer.token(sub=subject, aud=f"{place.origin}/mcp", scope="tools")

    begin = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    async with httpx2.AsyncClient(base_url=place.origin, headers=JSON) as client:
        ann, ben = ({"authorization": f"Bearer {token(name)}"} for name in ("ann", "ben"))
        begun = await client.post("/mcp", json=begin, headers=ann)
        session = {"mcp-session-id": begun.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
        for who, status in ((ann, 200), (ben, 404), ({"authorization": f"Bearer {SECRET}"}, 404)):
            answer = await client.post("/mcp", json=LIST, headers={**session, **who})
            assert answer.status_code == status, answer.text
