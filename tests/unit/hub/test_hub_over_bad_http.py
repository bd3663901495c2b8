"""The hub against HTTP servers that misbehave: each fault stays with the call that it hit."""

from __future__ import annotations

import json
import logging
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import ToolCallTimeout, ToolServerDown, ToolServerError, ToolServerFault
from gateway.hub import HttpServerSpec, Hub, HubSettings
from gateway.hub.jsonrpc import LARGEST_MESSAGE
from gateway.hub.peer import PeerClosed
from gateway.hub.transports.http import open_http_peer
from tests.support.conditions import eventually
from tests.unit.hub.raw_http import Exchange, raw_server

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)
SECRET = "tg-very-secret-token"


@asynccontextmanager
async def hub_with(settings: HubSettings = SETTINGS, **manners):
    async with raw_server(**manners) as server:
        spec = HttpServerSpec("remote", server.url, {"Authorization": f"Bearer {SECRET}"})
        with anyio.fail_after(60):
            async with Hub([spec], None, settings=settings) as hub:
                await hub.settled()
                hub.server = server
                yield hub


def call(hub, tool, arguments=None, *, timeout=60.0):
    return hub.call("remote", tool, arguments or {}, owner="key", timeout=timeout)


async def hang_up(exchange: Exchange) -> None:
    await exchange.stream.aclose()


async def half_a_body(exchange: Exchange) -> None:
    await exchange.send(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"jsonrpc":'
    )
    await exchange.stream.aclose()


async def half_an_event(exchange: Exchange) -> None:
    await exchange.begin_events()
    await exchange.send(b'30\r\ndata: {"jsonrpc"')
    await exchange.stream.aclose()


async def no_event_at_all(exchange: Exchange) -> None:
    await exchange.begin_events()
    await exchange.send(b"0\r\n\r\n")


async def not_http(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.9\r\n")
    await exchange.stream.aclose()


@pytest.mark.parametrize("manner", [hang_up, half_a_body, half_an_event, no_event_at_all, not_http])
async def test_a_connection_that_breaks_ends_its_own_call_as_down_and_no_other(manner):
    async def slow(exchange: Exchange) -> None:
        await released.wait()
        await exchange.result({"content": [{"type": "text", "text": "slow but fine"}]})

    released = anyio.Event()
    async with hub_with(bad=manner, slow=slow) as hub:
        results = []

        async def innocent() -> None:
            results.append((await call(hub, "slow")).text())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(innocent)
            await eventually(lambda: any(exchange.tool == "slow" for exchange in hub.server.exchanges))
            with pytest.raises(ToolServerDown):
                await call(hub, "bad")
            released.set()
        assert results == ["slow but fine"]
        assert (await call(hub, "good")).text() == "fine"
        assert [exchange.tool for exchange in hub.server.exchanges].count("bad") == 1, "never sent a second time"


async def test_an_answer_counts_even_if_the_connection_breaks_right_after_it():
    async def answer_and_break(exchange: Exchange) -> None:
        await exchange.begin_events()
        await exchange.event(json.dumps(exchange.response({"content": [{"type": "text", "text": "done"}]})))
        await exchange.stream.aclose()

    async with hub_with(abrupt=answer_and_break) as hub:
        assert (await call(hub, "abrupt")).text() == "done"


async def garbage(exchange: Exchange) -> None:
    await exchange.reply("200 OK", b"<html>Welcome</html>", kind="text/html")


async def anothers_answer(exchange: Exchange) -> None:
    await exchange.reply("200 OK", b'{"jsonrpc":"2.0","id":99999,"result":{}}')


async def no_result(exchange: Exchange) -> None:
    await exchange.reply("200 OK", b'{"jsonrpc":"2.0","id":%d,"result":"yes"}' % exchange.message["id"])


async def accepted(exchange: Exchange) -> None:
    await exchange.reply("202 Accepted", b"")


async def teapot(exchange: Exchange) -> None:
    await exchange.reply("418 Teapot", b"short and stout", headers={"Retry-After": "7"})


async def refuse(exchange: Exchange) -> None:
    error = {"jsonrpc": "2.0", "id": exchange.message["id"], "error": {"code": -32602, "message": "bad city"}}
    await exchange.reply("400 Bad Request", json.dumps(error).encode())


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        (garbage, "the body holds no answer"),
        (anothers_answer, "the body holds no answer"),
        (no_result, "holds no result object"),
        (accepted, "HTTP 202: the body holds no answer"),
        (teapot, r"HTTP 418 Teapot \(retry after 7 s\)"),
        (refuse, r"bad city \(JSON-RPC error -32602\)"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_fault_of_that_call(manner, told):
    async with hub_with(bad=manner) as hub:
        with pytest.raises(ToolServerFault, match=told):
            await call(hub, "bad")
        assert (await call(hub, "good")).text() == "fine"
        assert hub.statuses()[0].state == "ready"


async def huge_body(exchange: Exchange) -> None:
    await exchange.reply("200 OK", b'"' + b"x" * LARGEST_MESSAGE + b'"')


async def endless_event(exchange: Exchange) -> None:
    await exchange.begin_events()
    piece = b"data: " + b"x" * 65_000
    for _ in range(LARGEST_MESSAGE // 65_000 + 2):
        await exchange.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    await anyio.sleep_forever()


@pytest.mark.parametrize("manner", [huge_body, endless_event])
async def test_an_answer_over_the_limit_fails_its_own_call_only(manner):
    async with hub_with(bad=manner) as hub:
        with pytest.raises(ToolServerFault, match="larger than 8388608 bytes"):
            await call(hub, "bad")
        assert (await call(hub, "good")).text() == "fine"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_refused_credential_is_told_by_its_status(status):
    async def deny(exchange: Exchange) -> None:
        challenge = {"WWW-Authenticate": f"Bearer realm={SECRET}"}
        await exchange.reply(status, SECRET.encode(), kind="text/plain", headers=challenge)

    async with hub_with(bad=deny) as hub:
        with pytest.raises(ToolServerFault, match=f"HTTP {status}$") as caught:
            await call(hub, "bad")
        assert SECRET not in str(caught.value)


async def test_a_server_that_refuses_the_credential_at_the_start_is_down_and_says_so(caplog):
    async def deny(exchange: Exchange) -> None:
        await exchange.reply("401 Unauthorized", b"")

    async with hub_with(HubSettings(first_backoff=60), server__discover=deny, initialize=deny) as hub:
        (status,) = hub.statuses()
        assert (status.state, status.error) == ("down", "HTTP 401 Unauthorized")
        with pytest.raises(ToolServerDown, match="HTTP 401 Unauthorized"):
            await call(hub, "good")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_is_not_followed(status):
    async with raw_server() as thief:

        async def elsewhere(exchange: Exchange) -> None:
            await exchange.reply(f"{status} Moved", b"", headers={"Location": thief.url})

        async with hub_with(bad=elsewhere) as hub:
            with pytest.raises(ToolServerFault, match=f"HTTP {status}: the server redirects elsewhere"):
                await call(hub, "bad")
            assert thief.exchanges == []


@pytest.mark.parametrize(
    "location", ["", "http://[bad", "mailto:someone", "//other.example/mcp", "http://127.0.0.1:x/"]
)
async def test_a_redirect_that_leads_nowhere_is_a_fault(location):
    async def nowhere(exchange: Exchange) -> None:
        await exchange.reply("307 Temporary Redirect", b"", headers={"Location": location})

    async with hub_with(bad=nowhere) as hub:
        with pytest.raises(ToolServerFault, match="HTTP 307: the server redirects"):
            await call(hub, "bad")


async def test_a_redirect_within_the_origin_that_keeps_the_method_is_followed():
    async def move(exchange: Exchange) -> None:
        if not moved:
            moved.append(exchange)
            await exchange.reply("308 Permanent Redirect", b"", headers={"Location": "/mcp/"})
        else:
            await exchange.result({"content": [{"type": "text", "text": "arrived"}]})

    moved: list[Exchange] = []
    async with hub_with(moving=move) as hub:
        assert (await call(hub, "moving")).text() == "arrived"


async def test_a_redirect_in_circles_is_followed_once():
    async def in_circles(exchange: Exchange) -> None:
        await exchange.reply("307 Temporary Redirect", b"", headers={"Location": exchange.path})

    async with hub_with(bad=in_circles) as hub:
        with pytest.raises(ToolServerFault, match="HTTP 307: the server redirects in circles"):
            await call(hub, "bad")
        assert [exchange.tool for exchange in hub.server.exchanges].count("bad") == 2


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_that_nobody_has_asked_for_yet_is_nobodys(at_once):
    async def answer_ahead(exchange: Exchange) -> None:
        said = [json.dumps(exchange.response({"content": []})).encode()]
        stolen = {"content": [{"type": "text", "text": "stolen"}]}
        for number in range(1, 10):
            ahead = {"jsonrpc": "2.0", "id": exchange.message["id"] + number, "result": stolen}
            said.append(json.dumps(ahead).encode())
        answers = [
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(one), one)
            for one in said
        ]
        for answer in [b"".join(answers)] if at_once else answers:
            await exchange.send(answer)

    async with hub_with(ahead=answer_ahead) as hub:
        assert (await call(hub, "ahead")).content == ()
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            assert (await call(hub, "good")).text() == "fine"


async def test_a_server_that_hangs_costs_its_caller_the_deadline_and_nobody_else():
    async def hang(exchange: Exchange) -> None:
        await anyio.sleep_forever()

    async with hub_with(hole=hang) as hub:
        with pytest.raises(ToolCallTimeout, match=r"within 0\.1 s"):
            await call(hub, "hole", timeout=0.1)
        assert (await call(hub, "good")).text() == "fine"


async def test_a_server_that_hangs_from_the_start_is_down():
    async def hang(exchange: Exchange) -> None:
        await anyio.sleep_forever()

    settings = HubSettings(connect_timeout=0.3, probe_head_start=0.1, first_backoff=60)
    async with hub_with(settings, server__discover=hang, initialize=hang) as hub:
        assert hub.statuses()[0].error == "no answer within 0.3 s"


async def test_a_port_that_nobody_listens_on_is_down_with_the_reason():
    spec = HttpServerSpec("remote", "http://127.0.0.1:1/mcp", {"Authorization": SECRET})
    async with Hub([spec], None, settings=HubSettings(first_backoff=60)) as hub:
        await hub.settled()
        assert hub.statuses()[0].error == "no connection could be made: Connection refused"


@pytest.mark.parametrize("url", ["http://", "not a url", "http://127.0.0.1:99999/mcp", "ftp://127.0.0.1/mcp"])
async def test_a_url_that_is_none_is_down_with_a_reason_that_does_not_repeat_it(url):
    spec = HttpServerSpec("remote", url, {"Authorization": SECRET})
    async with Hub([spec], None, settings=HubSettings(first_backoff=60)) as hub:
        await hub.settled()
        (status,) = hub.statuses()
        assert status.state == "down"
        assert "unexpected" not in status.error


@pytest.mark.parametrize("manner", [hang_up, half_a_body, garbage, teapot, not_http])
async def test_credentials_are_in_no_error_and_in_no_log(manner, caplog):
    caplog.set_level(logging.DEBUG)
    async with hub_with(bad=manner) as hub:
        with pytest.raises(ToolServerError) as caught:
            await call(hub, "bad")
        assert hub.server.exchanges[-1].headers["authorization"] == f"Bearer {SECRET}"
        told = [str(caught.value), repr(caught.value), repr(caught.value.__cause__), repr(hub.statuses())]
    assert SECRET not in "".join(told)
    assert SECRET not in caplog.text


async def test_a_header_that_http_cannot_carry_is_down_without_repeating_it(caplog):
    async with raw_server() as server:
        spec = HttpServerSpec("remote", server.url, {"Authorization": f"{SECRET}\r\nHost: evil"})
        async with Hub([spec], None, settings=HubSettings(first_backoff=60)) as hub:
            await hub.settled()
            (status,) = hub.statuses()
        assert (status.state, server.exchanges) == ("down", [])
        assert "header" in status.error
    assert SECRET not in caplog.text


async def refuse_probe(exchange: Exchange) -> None:
    error = {"jsonrpc": "2.0", "id": exchange.message["id"], "error": {"code": -32601, "message": "no"}}
    await exchange.reply("400 Bad Request", json.dumps(error).encode())


async def greet(exchange: Exchange) -> None:
    greeting = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
    await exchange.reply(
        "200 OK", json.dumps(exchange.response(greeting)).encode(), headers={"Mcp-Session-Id": "s1"}
    )


async def accept(exchange: Exchange) -> None:
    await exchange.reply("202 Accepted", b"")


OLD = {"server__discover": refuse_probe, "initialize": greet, "notifications__initialized": accept}
"""The manners of a server of the legacy era, with a session."""


async def test_an_old_servers_stream_that_is_cut_is_taken_up_from_its_last_event_and_never_sent_again():
    calls: list[Exchange] = []

    async def cut(exchange: Exchange) -> None:
        calls.append(exchange)
        await exchange.begin_events()
        await exchange.event("\nid: 7\nretry: 1")
        await exchange.stream.aclose()

    async def resume(exchange: Exchange) -> None:
        if exchange.headers.get("last-event-id") != "7":
            await exchange.reply("405 Method Not Allowed", b"")
            return
        await exchange.begin_events()
        result = {"content": [{"type": "text", "text": "after all"}]}
        await exchange.event(json.dumps(calls[0].response(result)))
        await exchange.stream.aclose()

    async with hub_with(**OLD, cut=cut, GET=resume) as hub:
        assert hub.statuses()[0].era == "legacy"
        assert (await call(hub, "cut")).text() == "after all"
        assert len(calls) == 1


async def test_a_stream_of_notifications_that_is_refused_for_now_is_asked_for_again():
    asked: list[Exchange] = []

    async def open_later(exchange: Exchange) -> None:
        asked.append(exchange)
        if len(asked) == 1:
            await exchange.reply("503 Service Unavailable", b"")
            return
        await exchange.begin_events()
        await exchange.event('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')

    async with hub_with(**OLD, GET=open_later) as hub:
        lists = lambda: [one.message.get("method") for one in hub.server.exchanges].count("tools/list")  # noqa: E731
        assert lists() == 1
        await eventually(lambda: lists() == 2)


async def test_a_call_whose_answer_is_being_read_when_the_connection_is_given_up_fails_at_once():
    reading = anyio.Event()

    async def begin_to_answer(exchange: Exchange) -> None:
        await exchange.send(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"jsonrpc":'
        )
        reading.set()
        await anyio.sleep_forever()

    async def ask(peer) -> None:
        with pytest.raises(PeerClosed, match="the gateway closed the connection"):
            await peer.request("tools/call", {"name": "slow", "arguments": {}})

    async with raw_server(slow=begin_to_answer) as server, anyio.create_task_group() as tasks:
        with anyio.fail_after(60):
            async with open_http_peer(server.url, {}, lambda _method, _params: None) as peer:
                tasks.start_soon(ask, peer)
                await reading.wait()
