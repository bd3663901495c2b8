"""Connections that are cut and processes that are killed: every call ends, and with nobody else's answer."""

from __future__ import annotations

import json
import os
import random
import signal

import anyio
import pytest

from gateway.errors import ToolServerDown, ToolServerError
from gateway.hub import HttpServerSpec, Hub, HubSettings
from tests.integration.hub.chaotic_relay import relay_to
from tests.integration.hub.plain_launcher import PlainLauncher, scripted
from tests.integration.hub.servers.over_http import bound_socket, sdk_server
from tests.integration.hub.servers.over_sse import sse_server
from tests.support.conditions import eventually

SETTINGS = HubSettings(
    probe_head_start=1.0, first_backoff=0.02, longest_backoff=0.2, connect_timeout=60.0, calls_in_flight=200
)


def echo(hub: Hub, server: str, text: str, *, owner: str = "key"):
    return hub.call(server, "echo", {"text": text}, owner=owner, timeout=60)


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_process_killed_with_a_hundred_calls_under_way_fails_these_and_no_others(era: str):
    launcher = PlainLauncher()
    outcomes: dict[str, list[object]] = {"killed": [], "innocent": []}

    async def sleep(hub: Hub, server: str, seconds: float) -> None:
        try:
            result = await hub.call(server, "sleep", {"seconds": seconds}, owner="key", timeout=50)
            outcomes[server].append(result.text())
        except ToolServerDown as down:
            outcomes[server].append(down)

    specs = [scripted(name="killed", era=era), scripted(name="innocent", era=era)]
    with anyio.fail_after(60):
        async with Hub(specs, launcher, settings=SETTINGS) as hub:
            await hub.settled()
            where = await hub.call("killed", "where", {}, owner="key", timeout=60)
            async with anyio.create_task_group() as tasks:
                for _ in range(100):
                    tasks.start_soon(sleep, hub, "killed", 40)
                    tasks.start_soon(sleep, hub, "innocent", 1)
                await anyio.wait_all_tasks_blocked()
                os.kill(json.loads(where.text())["pid"], signal.SIGKILL)
            assert len(outcomes["killed"]) == 100
            assert all(isinstance(outcome, ToolServerDown) for outcome in outcomes["killed"])
            assert outcomes["innocent"] == ["slept"] * 100
            assert (await echo(hub, "killed", "back")).text() == "back"
    assert launcher.running() == []


async def test_the_answers_of_two_tenants_never_mix():
    dice = random.Random(7)
    launcher = PlainLauncher()
    answers: list[tuple[str, str]] = []

    async def calls(hub: Hub, owner: str) -> None:
        for number in range(150):
            server = dice.choice(["shared", "own"])
            text = f"{owner} {number} {'x' * dice.randrange(2000)}"
            answers.append((text, (await echo(hub, server, text, owner=owner)).text()))
            if dice.random() < 0.02:
                place = json.loads((await hub.call("own", "where", {}, owner=owner, timeout=60)).text())
                assert place["owner"] == owner

    specs = [scripted(name="shared"), scripted(name="own", workspace="/workspace")]
    with anyio.fail_after(60):
        async with Hub(specs, launcher, settings=SETTINGS) as hub:
            await hub.settled()
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(calls, hub, "alice")
                    tasks.start_soon(calls, hub, "bob")
    assert len(answers) == 16 * 150
    assert [sent for sent, came in answers if sent != came] == []


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", ["modern", "legacy", "sse"])
async def test_through_a_network_that_cuts_every_call_ends_with_its_own_answer_or_a_reason(way: str, seed: int):
    succeeded: list[int] = []
    failed: list[ToolServerError] = []

    async def calls(hub: Hub, first: int) -> None:
        for number in range(first, first + 15):
            try:
                result = await hub.call("remote", "echo", {"number": number}, owner="key", timeout=5)
            except ToolServerError as problem:
                failed.append(problem)
            else:
                assert json.loads(result.text()) == {"number": number}
                succeeded.append(number)

    with anyio.fail_after(120), bound_socket() as listener:
        serving = sse_server(listener) if way == "sse" else sdk_server(listener, era=way)
        async with serving, relay_to(listener.getsockname()[1], seed=seed) as relay:
            url = f"http://127.0.0.1:{relay.port}/{'sse' if way == 'sse' else 'mcp'}"
            spec = HttpServerSpec("remote", url, transport="sse" if way == "sse" else "http")
            async with Hub([spec], None, settings=SETTINGS) as hub:
                await hub.settled()
                relay.is_calm = False
                async with anyio.create_task_group() as tasks:
                    for first in range(0, 150, 15):
                        tasks.start_soon(calls, hub, first)
                relay.is_calm = True
                assert relay.faults
                assert len(succeeded) + len(failed) == 150
                await eventually(lambda: hub.statuses()[0].state == "ready")
                assert (await hub.call("remote", "echo", {}, owner="key", timeout=60)).text() == "{}"
