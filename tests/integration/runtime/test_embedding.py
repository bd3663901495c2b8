"""A program that runs the gateway itself: what it registers is a server like those of the configuration."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from gateway.embedding import EmbeddedGateway, InProcessServerSpec, functions_server, open_embedded
from gateway.errors import ConfigError
from gateway.providers.scripted.serving import serve_app
from tests.support.gateways import SECRET, write_files
from tool_policies.lockfile import LockedServer, read_lockfile, write_lockfile

DOCUMENT: dict[str, Any] = {"keys": {"agent": {"secret": SECRET, "policies": ["all"]}}}
POLICIES: dict[str, Any] = {
    "all": {
        "allow": ["mine/add", "mine/count"],
        "rules": [
            {"id": "small", "tools": ["mine/add"], "require": {"properties": {"first": {"maximum": 100}}}},
        ],
    }
}


def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


def hidden() -> str:
    """No policy allows it."""
    raise AssertionError("it was called")


def counting() -> Callable[[], int]:
    seen: list[int] = []

    def count() -> int:
        """How often it was called."""
        seen.append(1)
        return len(seen)

    return count


@asynccontextmanager
async def embedded(
    folder: Path, *servers: InProcessServerSpec, document: dict[str, Any] = DOCUMENT
) -> AsyncGenerator[tuple[EmbeddedGateway, httpx2.AsyncClient]]:
    path = write_files(folder, document, POLICIES)
    with anyio.fail_after(60):
        async with open_embedded(path, servers) as gateway:
            await gateway.settled()
            async with (
                serve_app(gateway.app) as origin,
                httpx2.AsyncClient(
                    base_url=origin, headers={"authorization": f"Bearer {SECRET}"}, timeout=30
                ) as http,
            ):
                yield gateway, http


async def call(http: httpx2.AsyncClient, tool: str, **arguments: Any) -> httpx2.Response:
    return await http.post(f"/v1/tools/{tool}", json={"arguments": arguments})


async def tools(http: httpx2.AsyncClient) -> set[str]:
    answer = (await http.get("/v1/tools")).json()
    return {tool["name"] for tool in answer["data"]}


async def test_a_function_is_called_under_the_keys_policies_and_the_call_is_in_the_trail(tmp_path: Path):
    storage = {"state_dir": "state", "audit": {"jsonl": "audit.jsonl"}}
    mine = functions_server("mine", add, hidden)
    async with embedded(tmp_path, mine, document={**DOCUMENT, "storage": storage}) as (_, http):
        assert await tools(http) == {"mine__add"}
        added = await call(http, "mine/add", first=2, second=3)
        assert (added.status_code, added.json()["content"][0]["text"]) == (200, "5")
        assert (await call(http, "mine/add", first=101, second=3)).status_code == 403
        assert (await call(http, "mine/add", first="two", second=3)).status_code == 422
        assert (await call(http, "mine/hidden")).status_code == 404
        (server,) = (await http.get("/v1/servers")).json()["data"]
        assert (server["name"], server["state"], server["transport"]) == ("mine", "ready", "in_process")
    trail = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    called = [(line.get("server"), line.get("tool"), line.get("outcome")) for line in trail if line.get("tool")]
    assert ("mine", "add", "ok") in called
    assert ("mine", "add", "denied") in called


async def test_mcp_clients_see_it_like_any_server(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (_, http):
        transport = streamable_http_client(f"{http.base_url}/mcp", http_client=http)
        async with Client(transport, cache=None) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["mine__add"]
            called = await client.call_tool("mine__add", {"first": 2, "second": 3})
            assert called.structured_content == {"result": 5}


async def test_it_goes_on_through_a_reload_that_brings_another_server(tmp_path: Path):
    api = tmp_path / "api.json"
    api.write_text(json.dumps({"openapi": "3.1.0", "servers": [{"url": "http://127.0.0.1:1"}], "paths": {}}))
    async with embedded(tmp_path, functions_server("mine", counting())) as (gateway, http):
        assert (await call(http, "mine/count")).json()["content"][0]["text"] == "1"
        write_files(tmp_path, {**DOCUMENT, "mcpServers": {"api": {"openapi": str(api)}}}, POLICIES)
        await gateway.reload()
        assert [status.name for status in await gateway.settled()] == ["api", "mine"]
        assert [server.name for server in gateway.config.servers] == ["api"]
        assert (await call(http, "mine/count")).json()["content"][0]["text"] == "2"


async def test_a_server_of_the_file_with_its_name_is_refused_with_file_and_line(tmp_path: Path):
    clash = {**DOCUMENT, "mcpServers": {"mine": {"url": "https://mcp.example/mcp"}}}
    with pytest.raises(ConfigError, match=r"gateway.yaml:\d+: mcpServers.mine: the program .* registers a server"):
        async with embedded(tmp_path, functions_server("mine", add), document=clash):
            pass
    async with embedded(tmp_path, functions_server("mine", add)) as (gateway, http):
        write_files(tmp_path, clash, POLICIES)
        with pytest.raises(ConfigError, match="registers a server of this name"):
            await gateway.reload()
        assert (await call(http, "mine/add", first=1, second=1)).status_code == 200


@pytest.mark.parametrize("name", ["two words", "provider", "toolgate", "x" * 65, ""])
async def test_a_name_that_no_server_can_have_is_refused(name: str, tmp_path: Path):
    with pytest.raises(ValueError, match="cannot be the name of a server"):
        async with embedded(tmp_path, functions_server(name, add)):
            pass


async def test_what_the_program_raises_comes_out_as_it_is(tmp_path: Path):
    with pytest.raises(ZeroDivisionError):
        async with open_embedded(write_files(tmp_path, DOCUMENT, POLICIES)):
            raise ZeroDivisionError


async def test_two_servers_of_one_name_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="two servers have it"):
        async with embedded(tmp_path, functions_server("mine", add), functions_server("mine", hidden)):
            pass


async def test_a_tool_of_it_can_stand_for_one_that_providers_run_themselves(tmp_path: Path):
    document = {**DOCUMENT, "provider_tools": {"web_search": "mine/add"}}
    async with embedded(tmp_path, functions_server("mine", add), document=document) as (_, http):
        assert await tools(http) == {"mine__add"}
    with pytest.raises(ConfigError, match="no tool server is called 'mine'"):
        async with embedded(tmp_path, document=document):
            pass


def changed() -> Callable[..., int]:
    def add(first: int, second: int) -> int:
        """Add two numbers, and send them elsewhere."""
        return first + second

    return add


async def test_a_tool_that_is_not_as_first_seen_is_hidden_until_the_program_accepts_it(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (_, http):
        assert await tools(http) == {"mine__add"}
    async with embedded(tmp_path, functions_server("mine", changed())) as (gateway, http):
        assert await tools(http) == set()
        (status,) = await gateway.settled()
        assert "accepts it: with `lock()`" in status.drift[0].reason
    async with embedded(tmp_path, functions_server("mine", changed(), on_change="accept")) as (_, http):
        assert await tools(http) == {"mine__add"}


async def test_lock_writes_what_it_offers_and_holds_it_to_that(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (gateway, http):
        assert await gateway.lock() == tmp_path / "tools.lock"
        assert gateway.config.lock.lockfile is not None
        assert await tools(http) == {"mine__add"}
    async with embedded(tmp_path, functions_server("mine", changed())) as (gateway, http):
        assert await tools(http) == set()
        await gateway.lock()
        assert await tools(http) == {"mine__add"}
    assert "send them elsewhere" in (tmp_path / "tools.lock").read_text()


async def test_toolgate_lock_leaves_what_is_written_of_it(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (gateway, _):
        await gateway.lock()
    before = (tmp_path / "tools.lock").read_text()
    done = await anyio.run_process([sys.executable, "-m", "gateway.cli", "lock"], cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tools.lock").read_text() == before


async def test_lock_keeps_what_somebody_else_has_locked_since_the_files_were_read(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (gateway, _):
        path = await gateway.lock()
        locked = read_lockfile(path.read_text(), "tools.lock")
        path.write_text(write_lockfile(locked.replaced({"theirs": LockedServer.of(None, [])}, keep=["mine"])))
        await gateway.lock()
        assert read_lockfile(path.read_text(), "tools.lock").servers.keys() == {"mine", "theirs"}


async def test_lock_writes_nothing_over_a_file_that_cannot_be_read(tmp_path: Path):
    async with embedded(tmp_path, functions_server("mine", add)) as (gateway, http):
        path = await gateway.lock()
        path.write_text(torn := path.read_text()[:-40])
        with pytest.raises(ConfigError, match=r"tools\.lock"):
            await gateway.lock()
        assert path.read_text() == torn
        assert await tools(http) == {"mine__add"}
