"""Two tenants whose calls are mixed at random, over every kind of tool server, through `/mcp` in both eras."""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from tests.integration.hub.plain_launcher import SCRIPTED
from tests.integration.hub.servers.over_http import bound_socket, sdk_server, url_of
from tests.integration.hub.servers.over_sse import sse_server, sse_url
from tests.support.authorities import Authority, protected_server
from tests.support.browsers import PUBLIC, Browser
from tests.support.conditions import eventually
from tests.support.gateways import InProcess, gateway_in_process

from .raw import META, MODERN, message, modern_headers

TENANTS = {"alice": "alice-secret-0123456789", "bob": "bob-secret-0123456789"}
MARKS = {tenant: f"only-for-{tenant}" for tenant in TENANTS}
ON_THE_HOST = {"command": sys.executable, "args": ["-S", "-E", str(SCRIPTED)], "sandbox": {"backend": "host"}}
ECHOES = ("pipe__echo", "own__echo", "modern__echo", "legacy__echo", "sse__echo", "users__echo", "sessions__echo")
WORKERS, CALLS = 4, 80
"""Of each tenant and era, and how many calls each of them makes."""


class Caller:
    """One client of a tenant's, which keeps a session where its era has them."""

    def __init__(self, http: aiohttp.ClientSession, url: str, tenant: str, era: str, dice: random.Random) -> None:
        self._http = http
        self._url = url
        self._era = era
        self._dice = dice
        self._headers = {
            "authorization": f"Bearer {TENANTS[tenant]}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
        }
        self.tenant = tenant
        self.count = 0

    async def begin(self) -> None:
        if self._era != "legacy":
            return
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        async with self._http.post(
            self._url, data=json.dumps(message("initialize", about)), headers=self._headers
        ) as answer:
            assert answer.status == 200
            self._headers["mcp-session-id"] = answer.headers["mcp-session-id"]

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Everything that came back, as it stood on the wire."""
        self.count += 1
        params: dict[str, Any] = {"name": tool, "arguments": arguments, "_meta": {}}
        if self._dice.random() < 0.3:
            params["_meta"] = {"progressToken": f"{MARKS[self.tenant]}-{self.count}"}
        headers = self._headers
        if self._era == MODERN:
            params["_meta"] |= META
            headers = {**headers, **modern_headers("tools/call", params)}
        sent = message("tools/call", params, id=f"{MARKS[self.tenant]}-{self.count}")
        async with self._http.post(self._url, data=json.dumps(sent), headers=headers) as answer:
            return f"{dict(answer.headers)} {await answer.text()}"

    async def talk(self, pids: set[int]) -> None:
        """Many calls, each to another server; some of them are given up."""
        other = next(mark for tenant, mark in MARKS.items() if tenant != self.tenant)
        for number in range(CALLS):
            text = f"{MARKS[self.tenant]} {number} {self._dice.randbytes(self._dice.randrange(1500)).hex()}"
            said = await self.call(self._dice.choice(ECHOES), {"text": text})
            assert text in said, f"{text[:60]} was answered with {said[:400]}"
            assert other not in said
            if self._dice.random() < 0.1:  # with progress, where that was asked for
                said = await self.call("pipe__sleep", {"seconds": 0})
                assert "slept" in said
                assert other not in said
            if self._dice.random() < 0.05:
                with anyio.move_on_after(0.01):
                    assert other not in await self.call("pipe__sleep", {"seconds": 0.05, "text": text})
            if self._dice.random() < 0.05:
                pids.add(int(re.findall(r'\\"pid\\": (\d+)', await self.call("own__where", {}))[0]))


@asynccontextmanager
async def servers() -> AsyncGenerator[tuple[dict[str, Any], dict[str, Authority]]]:
    """The entries of a configuration for a server of each kind, and the authorities of those that want tokens."""
    async with AsyncExitStack() as stack:
        modern, legacy, sse = (stack.enter_context(bound_socket()) for _ in range(3))
        await stack.enter_async_context(sdk_server(modern))
        await stack.enter_async_context(sdk_server(legacy, era="legacy"))
        await stack.enter_async_context(sse_server(sse))
        users, _ = await stack.enter_async_context(protected_server())
        sessions, _ = await stack.enter_async_context(protected_server(era="legacy"))
        entries = {
            "pipe": ON_THE_HOST,
            "own": {**ON_THE_HOST, "sandbox": {"backend": "host", "workspace": "/workspace"}},
            "modern": {"url": url_of(modern)},
            "legacy": {"url": url_of(legacy)},
            "sse": {"url": sse_url(sse), "type": "sse"},
            "users": {"url": users.url, "auth": {"type": "oauth"}},
            "sessions": {"url": sessions.url, "auth": {"type": "oauth"}},
        }
        yield entries, {"users": users, "sessions": sessions}


async def connect(gateway: InProcess, tenant: str, authorities: dict[str, Authority]) -> None:
    """Let a tenant sign in at every server that wants that."""
    async with gateway.http(TENANTS[tenant]) as client:
        listed = (await client.get("/v1/connections")).json()["data"]
    for one in listed:
        authorities[one["server"]].login = tenant
        done = await Browser(gateway.origin).sign_in(one["connect_url"])
        assert done.status_code == 200, done.text


@pytest.fixture(scope="module")
async def two_tenants() -> AsyncGenerator[tuple[InProcess, dict[str, Authority]]]:
    async with servers() as (entries, authorities):
        document = {
            "mcp_endpoint": {"public_url": PUBLIC},
            "mcpServers": entries,
            "keys": {tenant: {"secret": secret, "policies": ["all"]} for tenant, secret in TENANTS.items()},
        }
        policies = {"all": {"allow": [f"{name}/*" for name in entries]}}
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            async with gateway_in_process(Path(folder), document, policies) as gateway:
                for tenant in TENANTS:
                    await connect(gateway, tenant, authorities)
                await eventually(
                    lambda: (
                        {f"{name}/echo" for name in entries} <= set(gateway.gateway.services.hub.catalogue.by_name)
                    )
                )
                yield gateway, authorities


async def test_never_a_byte_of_one_is_in_an_answer_to_the_other(
    two_tenants: tuple[InProcess, dict[str, Authority]],
):
    gateway, authorities = two_tenants
    dice = random.Random(11)
    pids: dict[str, set[int]] = defaultdict(set)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        callers = [
            Caller(http, f"{gateway.origin}/mcp", tenant, era, dice)
            for tenant in TENANTS
            for era in (MODERN, "legacy")
            for _ in range(WORKERS)
        ]
        for caller in callers:
            await caller.begin()
        async with anyio.create_task_group() as tasks:
            for caller in callers:
                tasks.start_soon(caller.talk, pids[caller.tenant])
    assert sum(caller.count for caller in callers) >= 2 * 2 * WORKERS * CALLS
    assert len(pids["alice"]) == len(pids["bob"]) == 1
    assert pids["alice"] != pids["bob"]
    for authority in authorities.values():
        assert {user for user, _, _ in authority.heard} == set(TENANTS)
        assert [user for user, _, text in authority.heard if not text.startswith(MARKS[user])] == []
    sessions = {(user, session) for user, session, _ in authorities["sessions"].heard}
    assert len(sessions) == len({session for _, session in sessions}) == len(TENANTS)
