"""What a server asks of its client during a call is answered or refused at once, over every transport."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from gateway.hub import HttpServerSpec, Hub, HubSettings, InProcessServerSpec, StdioServerSpec
from sandbox.spec import StdioServer
from tests.integration.hub.plain_launcher import PlainLauncher
from tests.integration.hub.servers import asking
from tests.integration.hub.servers.asking import ASKED, build_asking
from tests.integration.hub.servers.over_http import bound_socket, sdk_server, url_of
from tests.integration.hub.servers.over_sse import sse_server, sse_url

SETTINGS = HubSettings(probe_head_start=3.0, connect_timeout=20.0)
NOT_OFFERED, INVALID = -32601, -32600


@asynccontextmanager
async def hub_of(way: str) -> AsyncGenerator[Hub]:
    with bound_socket() as listener:
        match way.split():
            case ["stdio", era]:
                server = StdioServer("asking", sys.executable, ("-S", "-E", asking.__file__, era))
                serving, spec = None, StdioServerSpec("asking", server)
            case ["http", stream]:
                build = partial(build_asking, within_the_call=stream == "answer")
                serving = sdk_server(listener, era="legacy", build=build)
                spec = HttpServerSpec("asking", url_of(listener))
            case ["sse"]:
                serving = sse_server(listener, build_asking)
                spec = HttpServerSpec("asking", sse_url(listener), transport="sse")
            case _:
                serving, spec = None, InProcessServerSpec("asking", build_asking()[0])
        with anyio.fail_after(60):
            async with (
                serving or anyio.create_task_group(),
                Hub([spec], PlainLauncher(), settings=SETTINGS) as hub,
            ):
                await hub.settled()
                yield hub


async def told(hub: Hub) -> dict[str, object]:
    """What the server was told, by what it asked: a result, or the code of an error."""
    answers: dict[str, object] = {}
    for method in ASKED:
        result = await hub.call("asking", "ask", {"method": method}, owner="key", timeout=50)
        answers[method] = json.loads(result.text())
    return answers


@pytest.mark.parametrize("way", ["stdio modern", "stdio legacy", "http answer", "http session", "sse"])
async def test_a_ping_is_answered_and_the_rest_is_refused(way: str):
    async with hub_of(way) as hub:
        answers = await told(hub)
    assert answers.pop("ping") == {}
    assert answers == dict.fromkeys(ASKED[1:], NOT_OFFERED)


async def test_an_object_of_the_sdk_in_this_process_cannot_ask():
    async with hub_of("in process") as hub:
        answers = await told(hub)
    assert answers == dict.fromkeys(ASKED, INVALID)
