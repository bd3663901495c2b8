"""Old servers over HTTP+SSE that misbehave."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import ToolServerDown, ToolServerFault
from gateway.hub import HttpServerSpec, Hub, HubSettings
from tests.unit.hub.raw_http import Exchange, raw_server

SETTINGS = HubSettings(first_backoff=60, reconnect_patience=0.1)


@asynccontextmanager
async def hub_of(settings: HubSettings = SETTINGS, **manners):
    async with raw_server(**manners) as server:
        spec = HttpServerSpec("old", server.url, transport="sse", headers={"Authorization": "Bearer s3cret"})
        with anyio.fail_after(60):
            async with Hub([spec], None, settings=settings) as hub:
                await hub.settled()
                yield hub, server


def endpoint(where: str):
    async def manner(exchange: Exchange) -> None:
        await exchange.begin_events()
        data = f"event: endpoint\ndata: {where}\n\n".encode()
        await exchange.send(b"%x\r\n%s\r\n" % (len(data), data))

    return manner


@pytest.mark.parametrize(
    "where", ["http://127.0.0.1:1/messages", "https://example.org/", "//example.org/x", "http://[", ""]
)
async def test_messages_and_credentials_are_sent_to_no_other_origin(where):
    async with hub_of(GET=endpoint(where)) as (hub, server):
        (status,) = hub.statuses()
        assert status.state == "down"
        assert "another origin" in status.error
        assert [exchange.method for exchange in server.exchanges] == ["GET"]


async def test_a_server_without_such_a_stream_is_down_with_a_reason():
    async with hub_of() as (hub, _):
        assert hub.statuses()[0].error.startswith(
            "it gives no event stream of the old HTTP+SSE transport: HTTP 404"
        )


async def test_a_stream_that_ends_before_its_first_event_is_down_with_a_reason():
    async def end(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.send(b"0\r\n\r\n")

    async with hub_of(GET=end) as (hub, _):
        assert "ended before it had said where messages go" in hub.statuses()[0].error


async def test_a_stream_that_says_nothing_is_given_up():
    hurried = HubSettings(first_backoff=60, connect_timeout=1.0)
    async with hub_of(hurried, GET=lambda exchange: exchange.begin_events()) as (hub, _):
        assert hub.statuses()[0].error == "no answer within 1 s"


class Old:
    """A server that works: answers go over the stream. `manners` change what a call is answered with."""

    def __init__(self) -> None:
        self.stream: Exchange | None = None

    async def get(self, exchange: Exchange) -> None:
        self.stream = exchange
        await endpoint("/messages?session=1")(exchange)

    def answer(self, result, status: str = "202 Accepted"):
        async def manner(exchange: Exchange) -> None:
            await exchange.reply(status, b"")
            if result is not None and self.stream is not None:
                await self.stream.event(json.dumps(exchange.response(result)))

        return manner

    def manners(self, **more):
        return {
            "GET": self.get,
            "initialize": self.answer({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}}),
            "notifications__initialized": self.answer(None),
            "tools__list": self.answer({"tools": [{"name": "t", "inputSchema": {}}]}),
            **more,
        }


async def test_a_refused_message_fails_its_own_call_alone():
    old = Old()
    manners = old.manners(t=old.answer(None, "500 Internal Server Error"), good=old.answer({"content": []}))
    async with hub_of(**manners) as (hub, _):
        with pytest.raises(ToolServerFault, match="HTTP 500"):
            await hub.call("old", "t", {}, owner="key", timeout=60)
        assert (await hub.call("old", "good", {}, owner="key", timeout=60)).content == ()
        assert hub.statuses()[0].state == "ready"


async def test_a_session_that_is_gone_is_begun_again_before_the_call_fails():
    old = Old()
    async with hub_of(**old.manners(t=old.answer(None, "404 Not Found"))) as (hub, _):
        with pytest.raises(ToolServerDown, match="HTTP 404"):
            await hub.call("old", "t", {}, owner="key", timeout=60)
