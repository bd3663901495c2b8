"""The hub against a real server of the SDK over the old HTTP+SSE transport."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from gateway.errors import ToolServerDown
from gateway.hub import HttpServerSpec, Hub, HubSettings, Meanwhile
from gateway.hub.peer import PeerClosed
from gateway.hub.transports.sse import open_sse_peer
from tests.integration.hub.servers.over_http import bound_socket
from tests.integration.hub.servers.over_sse import sse_server, sse_url
from tests.support.conditions import cancelled_once, eventually, past_its_deadline

SETTINGS = HubSettings(first_backoff=0.02, connect_timeout=60.0, reconnect_patience=60.0)


@pytest.fixture
def listener() -> Generator[socket.socket]:
    with bound_socket() as bound:
        yield bound


@asynccontextmanager
async def hub_at(listener: socket.socket, **spec) -> AsyncGenerator[Hub]:
    url = sse_url(listener)
    with anyio.fail_after(60):
        async with Hub([HttpServerSpec("old", url, transport="sse", **spec)], None, settings=SETTINGS) as hub:
            await hub.settled()
            yield hub


def call(hub, tool, arguments=None, *, timeout=60.0, on_progress=None):
    return hub.call("old", tool, arguments or {}, owner="key", timeout=timeout, meanwhile=Meanwhile(on_progress))


async def test_an_old_server_is_listed_and_called_without_a_probe(listener):
    async with sse_server(listener) as seen, hub_at(listener) as hub:
        assert json.loads((await call(hub, "echo", {"text": "héllo"})).text()) == {"text": "héllo"}
        (status,) = hub.statuses()
        assert (status.state, status.era, status.transport, status.tools) == ("ready", "legacy", "sse", 4)
        assert [method for method, _ in seen.requests][:2] == ["GET", "POST"]


async def test_progress_is_reported_in_order(listener):
    async with sse_server(listener), hub_at(listener) as hub:
        steps = []
        await call(hub, "sleep", on_progress=steps.append)
        assert [(step.progress, step.message) for step in steps] == [(1, "step 1"), (2, "step 2"), (3, "step 3")]


async def test_a_hundred_calls_at_once_get_each_their_own_answer(listener):
    async with sse_server(listener), hub_at(listener) as hub:
        answers = {}

        async def one(number: int) -> None:
            answers[number] = json.loads((await call(hub, "echo", {"number": number})).text())["number"]

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(one, number)
        assert answers == {number: number for number in range(100)}


async def test_cancelling_and_deadlines_reach_the_server(listener):
    async with sse_server(listener) as seen, hub_at(listener) as hub:
        await past_its_deadline(
            lambda deadline: call(hub, "sleep", {"seconds": 60}, timeout=deadline), lambda: seen.executed
        )
        await eventually(lambda: seen.cancelled == ["sleep"])
        await cancelled_once(lambda: len(seen.executed) == 2, partial(call, hub, "sleep", {"seconds": 60}))
        await eventually(lambda: seen.cancelled == ["sleep", "sleep"])
        assert (await call(hub, "echo")).text() == "{}"


async def test_a_changed_list_of_tools_makes_a_new_catalogue(listener):
    async with sse_server(listener), hub_at(listener) as hub:
        known = hub.catalogue
        await call(hub, "grow")
        assert "old/grown" in (await hub.change(known)).by_name


async def test_the_operators_headers_go_with_every_request(listener):
    async with sse_server(listener) as seen, hub_at(listener, headers={"Authorization": "Bearer s3cret"}) as hub:
        await call(hub, "echo")
        assert {headers.get("authorization") for _, headers in seen.requests} == {"Bearer s3cret"}


async def _serve_until(listener: socket.socket, stop: anyio.Event, *, task_status) -> None:
    async with sse_server(listener) as seen:
        task_status.started(seen)
        await stop.wait()


async def test_a_stream_that_breaks_fails_what_is_under_way_and_is_opened_again(listener):
    async with anyio.create_task_group() as tasks:
        stop, stop_second = anyio.Event(), anyio.Event()
        seen = await tasks.start(_serve_until, listener, stop)
        async with hub_at(listener) as hub:
            failed = anyio.Event()

            async def doomed() -> None:
                with pytest.raises(ToolServerDown):
                    await call(hub, "sleep", {"seconds": 60})
                failed.set()

            tasks.start_soon(doomed)
            await eventually(lambda: seen.executed == ["sleep"])
            stop.set()  # its connections are cut; the port stays
            await failed.wait()
            await tasks.start(_serve_until, listener, stop_second)
            await eventually(lambda: hub.statuses()[0].state == "ready")
            assert (await call(hub, "echo")).text() == "{}"
        stop_second.set()


async def test_a_request_that_the_server_has_not_taken_ends_with_the_stream(listener):
    """Its POST is answered with headers and half a body, and nothing more ever comes."""
    posted = anyio.Event()

    async def handle(client: SocketStream) -> None:
        async with client:
            if (await client.receive()).startswith(b"GET"):
                start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                await client.send(start + b"event: endpoint\ndata: /messages\n\n")
                await posted.wait()
            else:
                await client.send(b"HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAcc")
                posted.set()
                await anyio.sleep_forever()

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as server,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.serve, handle)
        url = f"http://127.0.0.1:{server.extra(SocketAttribute.local_port)}/sse"
        with anyio.fail_after(60):
            async with open_sse_peer(url, {}, lambda method, params: None) as peer:
                with pytest.raises(PeerClosed, match="ended its event stream"):
                    await peer.request("ping", {})
        tasks.cancel_scope.cancel()
