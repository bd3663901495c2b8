"""Users who connect to a tool server, from the error in a tool call to the page that says it is done."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from html import unescape

import pytest

from gateway.hub import TICKET_LIFE
from tests.integration.hub.servers.over_http import bound_socket
from tests.support.authorities import protected_server
from tests.support.browsers import PUBLIC, Browser
from tests.support.conditions import eventually
from tests.support.gateways import OTHER_SECRET, SECRET, gateway_in_process

POLICIES = {"all": {"allow": ["remote/*"]}, "none": {"allow": ["demo/*"]}}


@asynccontextmanager
async def gateway(tmp_path, *, public_url=PUBLIC, **options):
    async with protected_server(**options) as (authority, _):
        document = {
            "mcp_endpoint": {"public_url": public_url},
            "mcpServers": {"remote": {"url": authority.url, "auth": {"type": "oauth"}}},
            "keys": {
                "agent": {"secret": SECRET, "policies": ["all"]},
                "other": {"secret": OTHER_SECRET, "policies": ["none"]},
            },
        }
        async with gateway_in_process(tmp_path, document, POLICIES) as running, running.http() as client:
            yield authority, running, client


async def connections(client):
    answer = await client.get("/v1/connections")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_user_connects_calls_and_disconnects(tmp_path):
    async with gateway(tmp_path) as (authority, running, client):
        (before,) = await connections(client)
        assert (before["server"], before["connected"]) == ("remote", False)
        (server,) = (await client.get("/v1/servers")).json()["data"]
        assert (server["state"], server["connected"]) == ("down", False)
        assert server["connect_url"].startswith(f"{PUBLIC}/connect/remote?ticket=")
        done = await Browser(running.origin).sign_in(before["connect_url"])
        assert done.status_code == 200
        assert "You are connected" in done.text
        assert "script" not in done.text
        assert done.headers["content-security-policy"].startswith("default-src 'none'")
        assert done.headers["cache-control"] == "no-store"
        await eventually(lambda: running.gateway.services.hub.catalogue.by_name)
        called = await client.post("/v1/tools/remote/echo", json={"arguments": {"a": 1}})
        assert called.status_code == 200, called.text
        (server,) = (await client.get("/v1/servers")).json()["data"]
        assert (server["state"], server["connected"]) == ("ready", True)
        (after,) = await connections(client)
        assert (after["connected"], after["issuer"], after["scopes"]) == (True, authority.origin, ["tools"])
        assert (await client.delete("/v1/connections/remote")).json()["deleted"] is True
        assert (await client.delete("/v1/connections/remote")).status_code == 404
        refused = await client.post("/v1/tools/remote/echo", json={"arguments": {"a": 1}})
        assert refused.status_code == 403
        told = refused.json()
        assert told["error"]["code"] == "tool_server_not_connected"
        assert f"{PUBLIC}/connect/remote?ticket=" in told["error"]["message"]
        assert authority.calls == [("alice", "echo")]


async def test_a_key_whose_policy_has_nothing_of_a_server_is_not_told_of_it(tmp_path):
    async with gateway(tmp_path) as (_, running, _client), running.http(OTHER_SECRET) as other:
        assert await connections(other) == []
        assert (await other.delete("/v1/connections/remote")).status_code == 404


async def test_nothing_of_this_is_for_whoever_has_no_key(tmp_path):
    async with gateway(tmp_path) as (_, running, _client), running.http(None) as nobody:
        assert (await nobody.get("/v1/connections")).status_code == 401
        assert (await nobody.delete("/v1/connections/remote")).status_code == 401


async def test_the_first_page_says_for_whom_it_is_and_goes_nowhere_by_itself(tmp_path):
    async with gateway(tmp_path) as (authority, running, client):
        (before,) = await connections(client)
        browser = Browser(running.origin)
        page = await browser.get(before["connect_url"])
        assert "the key agent" in page.text
        assert page.headers["set-cookie"].startswith("__Host-toolgate_connect=")
        for attribute in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", f"Max-Age={TICKET_LIFE}"):
            assert attribute in page.headers["set-cookie"]
        onward = PUBLIC + unescape(re.search('href="([^"]+)"', page.text)[1])
        sent_by_somebody_else = await Browser(running.origin).get(onward)
        assert sent_by_somebody_else.status_code == 200  # the page again, with another cookie
        assert authority.asked == []


async def test_who_comes_back_in_another_browser_connects_nobody(tmp_path):
    async with gateway(tmp_path) as (authority, running, client):
        (before,) = await connections(client)
        browser = Browser(running.origin)
        page = await browser.get(before["connect_url"])
        away = await browser.get(PUBLIC + unescape(re.search('href="([^"]+)"', page.text)[1]))
        back = await browser.get(away.headers["location"])
        refused = await Browser(running.origin).get(back.headers["location"])
        assert (refused.status_code, "Not connected" in refused.text) == (400, True)
        assert authority.forms == []


@pytest.mark.parametrize(
    "path",
    [
        "/connect/remote",
        "/connect/remote?ticket=%00",
        "/connect/nobody?ticket=x",
        "/connect/%3Cscript%3E?ticket=x",
        "/oauth/callback",
        "/oauth/callback?state=remote.x.y&code=z&iss=%3Cscript%3E",
        "/oauth/callback?state=a&state=b&code=c",
        "/oauth/callback?" + "&".join(f"a{n}=b" for n in range(100)),
    ],
)
async def test_a_page_that_is_asked_for_nonsense_says_so_and_repeats_none_of_it(tmp_path, path):
    async with gateway(tmp_path) as (_, running, _client):
        page = await Browser(running.origin).get(running.origin + path)
        assert page.status_code == 400
        assert "<script" not in page.text
        assert page.headers["content-type"].startswith("text/html")


async def test_authorization_servers_that_read_it_are_given_the_gateways_own_document(tmp_path):
    metadata = {"client_id_metadata_document_supported": True}
    async with gateway(tmp_path, metadata=metadata) as (authority, running, client):
        document = (await client.get("/oauth/client.json")).json()
        assert document["client_id"] == f"{PUBLIC}/oauth/client.json"
        assert document["redirect_uris"] == [f"{PUBLIC}/oauth/callback"]
        (before,) = await connections(client)
        await Browser(running.origin).sign_in(before["connect_url"])
        assert authority.registrations == []
        assert authority.asked[0]["client_id"] == document["client_id"]
        assert authority.forms[0]["client_id"] == document["client_id"]


async def test_without_a_public_https_address_the_gateway_registers_itself(tmp_path):
    with bound_socket() as other:
        public = f"http://127.0.0.1:{other.getsockname()[1]}"
        async with gateway(tmp_path, public_url=public) as (authority, running, client):
            assert (await client.get("/oauth/client.json")).status_code == 404
            (before,) = await connections(client)
            done = await Browser(running.origin, public).sign_in(before["connect_url"])
            assert done.status_code == 200
            assert len(authority.registrations) == 1


async def test_no_secret_of_a_sign_in_is_in_the_logs_or_in_any_status(tmp_path, caplog):
    caplog.set_level("DEBUG")
    async with gateway(tmp_path) as (authority, running, client):
        (before,) = await connections(client)
        await Browser(running.origin).sign_in(before["connect_url"])
        await eventually(lambda: running.gateway.services.hub.catalogue.by_name)
        await client.post("/v1/tools/remote/echo", json={"arguments": {}})
        authority.expire()
        await client.post("/v1/tools/remote/echo", json={"arguments": {}})
        authority.refreshes.clear()
        authority.expire()
        await client.post("/v1/tools/remote/echo", json={"arguments": {}})
        issued = [form.get("refresh_token") or form.get("code") for form in authority.forms]
        shown = repr(running.gateway.services.hub.statuses()) + repr(
            await running.gateway.services.connecting.servers["remote"].record("agent")
        )
        ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("gateway"))
        for secret in [*issued, "access-", "refresh-"]:
            assert secret not in shown
            assert secret not in ours
