"""Credentials for APIs with OpenAPI documents: fixed ones where the document wants them, and tokens of OAuth."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from gateway.config.server_auth import ClientCredentialsAuth, UserAuth
from gateway.config.server_config import Password
from gateway.errors import ToolServerDown, ToolServerNotConnected
from gateway.hub import Hub, OpenApiServerSpec
from gateway.hub.credentials.credentials import Credentials
from tests.integration.hub.servers.over_http import bound_socket, served
from tests.integration.hub.servers.secured_app import build_secured_api
from tests.support.authorities import Authority, protected_api

from .test_server_credentials import ALICE, BOB, PLACE, SETTINGS, Gateway, vault

__all__ = ["vault"]

CREDENTIALS = {
    "header-key": "header-s3cret",
    "query-key": "query-s3cret/+&",
    "cookie-key": "cookie-s3cret",
    "login": Password("me", "pass word/"),
    "token": "token-s3cret",
}


def write_document(folder: Path, **options: Any) -> Path:
    document = folder / "vault.json"
    document.write_text(json.dumps(build_secured_api(**options).openapi()))
    return document


@asynccontextmanager
async def api_with(tmp_path: Path, **spec: Any) -> AsyncGenerator[Hub]:
    document = write_document(tmp_path)
    with bound_socket() as listener, anyio.fail_after(60):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = OpenApiServerSpec("vault", document, url, **spec)
        async with served(build_secured_api(), listener), Hub([server], None, settings=SETTINGS) as hub:
            await hub.settled()
            yield hub


async def call(hub: Hub, tool: str, **arguments: Any) -> Any:
    return await hub.call("vault", tool, arguments, owner="key", timeout=10)


async def test_each_credential_reaches_the_operations_that_want_it_and_no_others(tmp_path):
    async with api_with(tmp_path, credentials=CREDENTIALS, headers={"Cookie": "theme=dark"}) as hub:
        for tool, credential in (
            ("byHeader", "header-s3cret"),
            ("byQuery", "query-s3cret/+&"),
            ("byCookie", "cookie-s3cret"),
            ("byToken", "token-s3cret"),
        ):
            assert (await call(hub, tool)).structured["key"] == " ".join(credential)
        login = (await call(hub, "byPassword")).structured
        assert (login["user"], login["key"]) == ("me", " ".join("pass word/"))
        assert (await call(hub, "byCookie")).structured["cookies"] == ["session", "theme"]
        sent = (await call(hub, "byNobody")).structured
        assert not {"x-api-key", "authorization"} & set(sent["headers"])
        assert sent["query"] == ""


async def test_no_credential_is_seen_in_definitions_answers_or_logs(tmp_path, caplog):
    caplog.set_level("DEBUG")
    async with api_with(tmp_path, credentials=CREDENTIALS) as hub:
        shown = (await call(hub, "byToken")).structured
        assert shown["raw"] == "[hidden]"
        listed = json.dumps([tool.definition for tool in hub.catalogue.tools], default=str)
        (status,) = hub.statuses()
        for text in (listed, str(status), caplog.text, repr(hub.catalogue)):
            assert "s3cret" not in text
            assert "pass word" not in text


async def test_operations_whose_credential_is_not_there_are_left_out_with_the_reason(tmp_path):
    async with api_with(tmp_path, credentials={"token": "token-s3cret"}) as hub:
        (status,) = hub.statuses()
        reasons = {one.name: one.reason for one in status.left_out}
        assert set(reasons) == {"byHeader", "byQuery", "byCookie", "byPassword", "byUser", "byOpenId"}
        assert "it wants an API key (security scheme 'header-key'), and there is none" in reasons["byHeader"]
        assert {tool.name for tool in hub.catalogue.tools} == {"byToken", "byNobody"}


# --- tokens of OAuth ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def oauth_api(tmp_path: Path, vault: Any, auth: Any, **options: Any) -> AsyncGenerator[ApiGateway]:
    """The API behind a guard that wants tokens, in a hub that has them."""
    document = write_document(tmp_path, prefix="")
    app = build_secured_api(prefix="/api")
    async with protected_api(app, secrets={"tg": "s3cret&="}, **options) as authority:
        auth = auth(authority) if callable(auth) else auth
        spec = OpenApiServerSpec("remote", document, authority.url, auth=auth)
        credentials = Credentials([spec], vault, PLACE)
        with anyio.fail_after(60):
            async with Hub([spec], None, settings=SETTINGS, credentials=credentials) as hub:
                await hub.settled()
                yield ApiGateway(hub, credentials, authority)


class ApiGateway(Gateway):
    """The same with an API in the place of an MCP server."""

    def __init__(self, hub: Hub, credentials: Credentials, authority: Authority) -> None:
        super().__init__(hub, credentials)
        self.authority = authority

    async def call(self, key="agent", user=None, tool="byUser"):
        owner = key if user is None else f"{key}/{user.id}"
        arguments = {"name": "n"} if tool == "byUser" else {}
        result = await self.hub.call("remote", tool, arguments, owner=owner, user=user, timeout=10)
        assert not result.is_error, result.text()
        return result.structured

    async def join(self, key="agent", user=None):
        self.authority.login = user.subject if user else key
        await self.sign_in(key, user)


def named(authority: Authority) -> ClientCredentialsAuth:
    return ClientCredentialsAuth("tg", "s3cret&=", scopes=("tools",), token_url=f"{authority.origin}/token")


@pytest.mark.parametrize("auth", [ClientCredentialsAuth("tg", "s3cret&="), named], ids=["found", "named"])
async def test_the_gateways_own_token_goes_with_the_operations_that_take_tokens(tmp_path, vault, auth):
    async with oauth_api(tmp_path, vault, auth) as gateway:
        answer = await gateway.call()
        assert answer == {"name": "n", "raw": "[hidden]"}
        await gateway.call("another", ALICE)
        assert len(gateway.authority.grants("client_credentials")) == 1
        assert gateway.authority.calls == [("machine", "/people/n")] * 2
        assert {tool.name for tool in gateway.hub.catalogue.tools} == {"byToken", "byUser", "byOpenId", "byNobody"}


async def test_a_token_that_is_refused_is_renewed_and_the_call_made_once(tmp_path, vault):
    async with oauth_api(tmp_path, vault, named) as gateway:
        await gateway.call()
        gateway.authority.expire()
        await gateway.call()
        assert len(gateway.authority.grants("client_credentials")) == 2
        assert gateway.authority.calls == [("machine", "/people/n")] * 2


async def test_where_no_token_is_to_be_had_the_call_fails_in_words_without_the_secret(tmp_path, vault, caplog):
    async with oauth_api(tmp_path, vault, named) as gateway:
        gateway.authority.token_status = 500
        with pytest.raises(ToolServerDown, match="could get no token") as caught:
            await gateway.call()
        assert "s3cret" not in f"{caught.value}{caplog.text}"


async def test_each_user_signs_in_and_is_called_for_by_their_own_token(tmp_path, vault):
    async with oauth_api(tmp_path, vault, UserAuth()) as gateway:
        (status,) = gateway.hub.statuses()
        assert (status.state, status.tools) == ("ready", 4), "a document lists its tools for anybody"
        with pytest.raises(ToolServerNotConnected, match="has to sign in first"):
            await gateway.call("agent", ALICE)
        await gateway.join("agent", ALICE)
        await gateway.join("agent", BOB)
        for user in (ALICE, BOB, ALICE):
            assert (await gateway.call("agent", user))["raw"] == "[hidden]"
        assert [who for who, _ in gateway.authority.calls] == ["alice", "bob", "alice"]
        assert "POST /api" not in gateway.authority.paths


async def test_a_users_token_is_renewed_when_the_api_refuses_it(tmp_path, vault):
    async with oauth_api(tmp_path, vault, UserAuth()) as gateway:
        await gateway.join("agent", ALICE)
        gateway.authority.expire()
        await gateway.call("agent", ALICE)
        assert len(gateway.authority.grants("refresh_token")) == 1


@pytest.mark.parametrize("without", [("prm",), ()], ids=["no metadata of its own", "metadata"])
async def test_an_api_that_does_not_say_who_issues_its_tokens_has_the_issuer_of_the_configuration(
    tmp_path, vault, without
):
    def auth(authority: Authority) -> UserAuth:
        return UserAuth(issuer=authority.origin, scopes=("tools",))

    async with oauth_api(tmp_path, vault, auth, without=without, challenge="") as gateway:
        await gateway.join("agent", ALICE)
        gateway.authority.expire()
        await gateway.call("agent", ALICE)
        assert gateway.authority.grants("refresh_token"), "the connection went on"


async def test_an_operation_that_anybody_may_call_needs_no_sign_in_and_gets_nobodys_token(tmp_path, vault):
    async with oauth_api(tmp_path, vault, UserAuth()) as gateway:
        await gateway.join("agent", ALICE)
        with pytest.raises(AssertionError, match="HTTP 401"):
            await gateway.call("agent", ALICE, "byNobody")
        assert gateway.authority.calls == []


async def test_a_document_is_listed_where_nothing_keeps_credentials(tmp_path):
    spec = OpenApiServerSpec("vault", write_document(tmp_path), "https://vault.example", auth=UserAuth())
    with anyio.fail_after(60):
        async with Hub([spec], None, settings=SETTINGS) as hub:
            await hub.settled()
            (status,) = hub.statuses()
            assert (status.state, status.tools) == ("ready", 4)
