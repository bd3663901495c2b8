"""The hub against real servers over streamable HTTP, made with the official SDK."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.errors import ToolServerDown
from gateway.hub import HttpServerSpec, Hub, HubSettings, Meanwhile
from gateway.hub.transports.http import open_http_peer
from tests.integration.hub.servers.over_http import (
    Front,
    MemoryEvents,
    Seen,
    bound_socket,
    run_until_stopped,
    sdk_app,
    sdk_server,
    served,
    url_of,
)
from tests.support.conditions import cancelled_once, eventually, past_its_deadline

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)
both_eras = pytest.mark.parametrize("era", ["modern", "legacy"])
both_forms = pytest.mark.parametrize("json_response", [False, True], ids=["sse", "json"])


@pytest.fixture
def listener() -> Generator[socket.socket]:
    with bound_socket() as bound:
        yield bound


@asynccontextmanager
async def kept_port() -> AsyncGenerator[int]:
    """A port that nobody else is given, though nobody may listen on it."""
    with bound_socket() as found:
        yield found.getsockname()[1]


@asynccontextmanager
async def hub_at(where: socket.socket | int, *, settings: HubSettings = SETTINGS, **spec) -> AsyncGenerator[Hub]:
    url = url_of(where) if isinstance(where, socket.socket) else f"http://127.0.0.1:{where}/mcp"
    with anyio.fail_after(60):
        async with Hub([HttpServerSpec("remote", url, **spec)], None, settings=settings) as hub:
            await hub.settled()
            yield hub


def call(hub, tool, arguments=None, *, timeout=60.0, on_progress=None):
    return hub.call(
        "remote", tool, arguments or {}, owner="key", timeout=timeout, meanwhile=Meanwhile(on_progress)
    )


@both_forms
@both_eras
async def test_a_server_of_either_era_is_listed_and_called(listener, era, json_response):
    async with sdk_server(listener, era=era, json_response=json_response), hub_at(listener) as hub:
        result = await call(hub, "echo", {"text": "héllo"})
        assert json.loads(result.text()) == {"text": "héllo"}
        (status,) = hub.statuses()
        assert (status.state, status.era, status.transport, status.error) == ("ready", era, "http", None)
        assert [tool.qualified for tool in hub.catalogue.tools] == [
            "remote/echo",
            "remote/fail",
            "remote/grow",
            "remote/sleep",
        ]


@both_eras
async def test_a_failure_of_the_tool_is_a_result(listener, era):
    async with sdk_server(listener, era=era), hub_at(listener) as hub:
        result = await call(hub, "fail")
        assert (result.is_error, result.text()) == (True, "the tool failed")


@both_eras
async def test_progress_is_reported_in_order(listener, era):
    async with sdk_server(listener, era=era), hub_at(listener) as hub:
        steps = []
        await call(hub, "sleep", on_progress=steps.append)
        assert [(step.progress, step.total, step.message) for step in steps] == [
            (1, 3, "step 1"),
            (2, 3, "step 2"),
            (3, 3, "step 3"),
        ]


@both_eras
async def test_a_call_past_its_deadline_is_cancelled_at_the_server(listener, era):
    async with sdk_server(listener, era=era) as seen, hub_at(listener) as hub:
        await past_its_deadline(
            lambda deadline: call(hub, "sleep", {"seconds": 60}, timeout=deadline), lambda: seen.executed
        )
        await eventually(lambda: seen.cancelled == ["sleep"])
        assert (await call(hub, "echo")).text() == "{}"


@both_eras
async def test_a_cancelled_caller_cancels_its_call_at_the_server_and_no_other(listener, era):
    async with sdk_server(listener, era=era) as seen, hub_at(listener) as hub:
        kept = []

        async def keep() -> None:
            kept.append(await call(hub, "sleep", {"seconds": 0.5}))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(keep)
            doomed = partial(call, hub, "sleep", {"seconds": 60})
            await cancelled_once(lambda: seen.executed == ["sleep", "sleep"], doomed)
        assert json.loads(kept[0].text()) == {"seconds": 0.5}
        await eventually(lambda: seen.cancelled == ["sleep"])


@both_eras
async def test_a_changed_list_of_tools_makes_a_new_catalogue(listener, era):
    async with sdk_server(listener, era=era) as seen, hub_at(listener) as hub:
        assert "remote/grown" not in hub.catalogue.by_name
        await eventually(lambda: _is_followed(seen, era))
        await call(hub, "grow")
        await eventually(lambda: "remote/grown" in hub.catalogue.by_name)


async def test_changes_are_told_from_before_the_first_list_on(listener):
    """One between the two would be missed; and some servers mix up streams that are opened in mid call."""
    async with sdk_server(listener, era="legacy") as seen, hub_at(listener):
        methods = [method for method, _ in seen.requests]
        assert "POST" in methods[methods.index("GET") :]


async def test_an_answer_to_nothing_is_not_answered(listener):
    posted: list[str] = []

    async def answer(request: Request) -> Response:
        message = await request.json()
        posted.append(message.get("method", "an answer"))
        return JSONResponse(
            {"jsonrpc": "2.0", "id": message.get("id"), "result": {}}, headers={"Mcp-Session-Id": "1"}
        )

    async def tell(request: Request) -> Response:
        async def events() -> AsyncGenerator[bytes]:
            for message in ({"id": 9, "result": {}}, {"id": 9, "error": {}}, {"method": "notifications/news"}):
                yield b"data: " + json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n\n"
            await anyio.sleep_forever()

        return StreamingResponse(events(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/mcp", answer, methods=["POST"]), Route("/mcp", tell)])
    news = anyio.Event()
    with anyio.fail_after(60):
        async with (
            served(app, listener),
            open_http_peer(url_of(listener), {}, lambda method, params: news.set()) as peer,
            anyio.create_task_group() as tasks,
        ):
            await peer.request("initialize", {})
            tasks.start_soon(peer.follow, lambda: None)
            await news.wait()
            await peer.request("ping", {})
            tasks.cancel_scope.cancel()
    assert posted == ["initialize", "ping"]


def _is_followed(seen: Seen, era: str) -> bool:
    if era == "legacy":
        return any(method == "GET" for method, _ in seen.requests)
    return any(headers.get("mcp-method") == "subscriptions/listen" for _, headers in seen.requests)


async def test_arguments_marked_for_a_header_are_mirrored_into_it(listener):
    async with sdk_server(listener) as seen, hub_at(listener) as hub:
        await call(hub, "echo", {"region": "Zürich"})
        headers = seen.headers_of("tools/call")
        assert headers["mcp-name"] == "echo"
        assert headers["mcp-param-region"].startswith("=?base64?")


@both_eras
async def test_the_operators_headers_go_with_every_request(listener, era):
    secret = {"Authorization": "Bearer s3cret"}
    async with sdk_server(listener, era=era) as seen, hub_at(listener, headers=secret) as hub:
        await call(hub, "echo")
        await eventually(lambda: _is_followed(seen, era))
        assert {headers.get("authorization") for _, headers in seen.requests} == {"Bearer s3cret"}


async def test_a_session_is_ended_when_the_hub_is_left(listener):
    async with sdk_server(listener, era="legacy") as seen:
        async with hub_at(listener) as hub:
            await call(hub, "echo")
        assert [method for method, _ in seen.requests if method == "DELETE"] == ["DELETE"]


@pytest.mark.parametrize("old_refusal", [False, True], ids=["404", "400"])
async def test_calls_to_a_server_that_lost_our_session_are_made_once_each_in_a_new_one(listener, old_refusal):
    async with sdk_app() as (first, old), sdk_app() as (second, new):
        front = Front(first, old, legacy=True, says_400=old_refusal)
        async with served(front, listener), hub_at(listener) as hub:
            await call(hub, "echo")
            front.app, front.seen = second, new  # another process is in the place of the first
            answers: list[str] = []

            async def one(number: int) -> None:
                answers.append((await call(hub, "echo", {"number": number})).text())

            async with anyio.create_task_group() as tasks:
                for number in range(8):
                    tasks.start_soon(one, number)
            assert sorted(json.loads(answer)["number"] for answer in answers) == list(range(8))
            assert new.executed == ["echo"] * 8
            assert [method for method, _ in new.requests if method == "DELETE"] == []
            assert hub.statuses()[0].state == "ready"


@both_eras
async def test_a_server_that_is_stopped_is_down_and_its_return_is_noticed_by_itself(era):
    async with kept_port() as port, anyio.create_task_group() as tasks:
        server = await tasks.start(run_until_stopped, port, era)
        async with hub_at(port) as hub:
            await call(hub, "echo")
            await server.stop()
            with pytest.raises(ToolServerDown, match="'remote' is down"):
                await call(hub, "echo")
            await eventually(lambda: hub.statuses()[0].state == "down")
            assert "remote/echo" in hub.catalogue.by_name
            server = await tasks.start(run_until_stopped, port, era)
            await eventually(lambda: hub.statuses()[0].state == "ready")
            assert (await call(hub, "echo")).text() == "{}"
        await server.stop()


@both_eras
async def test_a_server_that_dies_in_mid_call_ends_that_call_as_down(era):
    problems = []
    async with kept_port() as port, anyio.create_task_group() as tasks:
        server = await tasks.start(run_until_stopped, port, era)
        async with hub_at(port) as hub, anyio.create_task_group() as callers:

            async def doomed() -> None:
                try:
                    await call(hub, "sleep", {"seconds": 60})
                except ToolServerDown as down:
                    problems.append(down.message)

            callers.start_soon(doomed)
            await eventually(lambda: server.seen.executed == ["sleep"])
            await server.stop()
            await eventually(lambda: problems)
    assert "broke before the answer was whole" in problems[0]


async def test_a_stream_that_breaks_before_the_answer_is_taken_up_again(listener):
    store = MemoryEvents()
    async with (
        sdk_server(listener, era="legacy", event_store=store, drops_streams=True) as seen,
        hub_at(listener) as hub,
    ):
        assert json.loads((await call(hub, "sleep", {"seconds": 0.2})).text()) == {"seconds": 0.2}
        assert seen.executed == ["sleep"]
        assert any("last-event-id" in headers for _, headers in seen.requests)
