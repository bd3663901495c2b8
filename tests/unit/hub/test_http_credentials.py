"""Credentials that go with messages: which, and what happens when a server refuses them."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import ToolServerFault, ToolServerNotConnected
from gateway.hub.connection import Connection
from gateway.hub.peer import CredentialsNeeded
from gateway.hub.requests import Request, call_request
from gateway.hub.results import read_call_result
from gateway.hub.specs import HttpServerSpec, HubSettings
from gateway.hub.transports.transport import HttpTransport
from tests.unit.hub.raw_http import Exchange, raw_server

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)


class Counting:
    """Gives `Bearer <name>-1`, and after each renewal the next one."""

    def __init__(self, name, *, most=9):
        self.name, self.most, self.number = name, most, 1
        self.refusals = []

    async def headers(self):
        return {"Authorization": f"Bearer {self.name}-{self.number}"}

    async def renew(self, refusal):
        self.refusals.append(refusal)
        if self.number >= self.most:
            raise CredentialsNeeded("sign in first")
        self.number += 1
        return await self.headers()


def answering(good: str, status: str = "401 Unauthorized", challenge: str = 'Bearer scope="more"'):
    async def answer(exchange: Exchange) -> None:
        if exchange.headers.get("authorization") == good:
            await exchange.result({"content": [{"type": "text", "text": "done"}]})
        else:
            await exchange.reply(status, b"no", headers={"WWW-Authenticate": challenge})

    return answer


@asynccontextmanager
async def connected(authorizer, **manners):
    async with raw_server(**manners) as server, anyio.create_task_group() as tasks:
        transport = HttpTransport(HttpServerSpec("remote", server.url), authorizer)
        connection = Connection("remote", transport, SETTINGS)
        tasks.start_soon(connection.run)
        with anyio.fail_after(60):
            yield server, connection
        tasks.cancel_scope.cancel()


def seen(server, tool):
    return [exchange.headers.get("authorization") for exchange in server.exchanges if exchange.tool == tool]


async def test_refused_credentials_are_renewed_once_and_the_call_is_sent_again():
    ours = Counting("ours")
    async with connected(ours, work=answering("Bearer ours-2")) as (server, connection):
        result = await connection.request(call_request("work", {}, 5))
        assert read_call_result(result).text() == "done"
        assert seen(server, "work") == ["Bearer ours-1", "Bearer ours-2"]
    (refusal,) = ours.refusals
    assert (refusal.status, refusal.challenge.scopes) == (401, ("more",))
    assert refusal.sent == {"Authorization": "Bearer ours-1"}
    assert "ours-1" not in repr(refusal)


async def test_what_is_refused_twice_is_a_fault_and_not_sent_a_third_time():
    ours = Counting("ours")
    async with connected(ours, work=answering("Bearer never")) as (server, connection):
        with pytest.raises(ToolServerFault, match="HTTP 401"):
            await connection.request(call_request("work", {}, 5))
        assert len(seen(server, "work")) == 2


async def test_a_missing_scope_is_a_refusal_of_credentials_and_another_403_is_not():
    ours = Counting("ours")
    scope = answering("Bearer ours-2", "403 Forbidden", 'Bearer error="insufficient_scope"')
    plain = answering("Bearer never", "403 Forbidden", 'Bearer error="invalid_request"')
    async with connected(ours, work=scope, other=plain) as (server, connection):
        assert read_call_result(await connection.request(call_request("work", {}, 5))).text() == "done"
        with pytest.raises(ToolServerFault, match="HTTP 403"):
            await connection.request(call_request("other", {}, 5))
        assert len(seen(server, "other")) == 1


async def test_a_callers_own_credentials_go_with_the_call_alone():
    ours, alices = Counting("ours"), Counting("alices")
    async with connected(ours, work=answering("Bearer alices-1")) as (server, connection):
        await connection.request(Request("tools/call", {"name": "work"}, 5, authorizer=alices))
        assert seen(server, "work") == ["Bearer alices-1"]
        others = {exchange.headers.get("authorization") for exchange in server.exchanges if not exchange.tool}
        assert others == {"Bearer ours-1"}


async def test_without_credentials_to_be_had_the_caller_is_told_how_they_are_given():
    alices = Counting("alices", most=1)
    async with connected(Counting("ours"), work=answering("Bearer never")) as (_, connection):
        with pytest.raises(ToolServerNotConnected, match="sign in first"):
            await connection.request(Request("tools/call", {"name": "work"}, 5, authorizer=alices))
        assert connection.is_ready
