"""The hub against real processes that speak MCP over their pipes."""

from __future__ import annotations

import json
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import anyio
import pytest

from gateway.errors import ToolCallTimeout, ToolServerDown, ToolServerFault
from gateway.hub import Hub, HubSettings, Meanwhile
from tests.integration.hub.plain_launcher import PlainLauncher, scripted
from tests.support.conditions import cancelled_once, eventually

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0, reconnect_patience=60.0)


@asynccontextmanager
async def hub_of(*specs, settings=SETTINGS):
    launcher = PlainLauncher()
    with anyio.fail_after(60):
        async with Hub(specs, launcher, settings=settings) as hub:
            hub.launcher = launcher
            await hub.settled()
            yield hub
    assert launcher.running() == [], "leaving the hub ends every process"


def call(hub, tool, arguments=None, *, server="scripted", owner="key", timeout=60.0, on_progress=None):
    return hub.call(server, tool, arguments or {}, owner=owner, timeout=timeout, meanwhile=Meanwhile(on_progress))


async def where(hub, **more):
    return json.loads((await call(hub, "where", **more)).text())


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_server_of_either_era_is_listed_and_called(era):
    async with hub_of(scripted(era=era)) as hub:
        assert (await call(hub, "echo", {"text": "héllo"})).text() == "héllo"
        (status,) = hub.statuses()
        assert (status.state, status.era, status.sandbox, status.error) == ("ready", era, "host", None)
        assert status.tools == len(hub.catalogue.tools) == 13
        assert len(hub.launcher.started) == 1


async def test_a_server_that_exits_on_the_probe_is_started_again_and_greeted_the_old_way():
    async with hub_of(scripted("exit-on-probe", era="legacy")) as hub:
        assert (await call(hub, "echo", {"text": "hi"})).text() == "hi"
        assert hub.statuses()[0].era == "legacy"
        assert len(hub.launcher.started) == 2


async def test_a_server_that_ignores_the_probe_is_greeted_the_old_way_in_the_same_process():
    hurried = replace(SETTINGS, probe_head_start=0.1)
    async with hub_of(scripted("silent-on-probe", era="legacy"), settings=hurried) as hub:
        assert hub.statuses()[0].era == "legacy"
        assert len(hub.launcher.started) == 1


async def test_the_era_found_out_once_is_remembered_when_the_server_comes_back():
    async with hub_of(scripted("exit-on-probe", era="legacy")) as hub:
        with pytest.raises(ToolServerDown):
            await call(hub, "die")
        assert (await call(hub, "echo", {"text": "back"})).text() == "back"
        assert len(hub.launcher.started) == 3


async def test_a_server_that_never_answers_is_down_and_delays_nobody():
    settings = HubSettings(connect_timeout=3, first_backoff=60, reconnect_patience=0.2)
    async with hub_of(scripted(), scripted("black-hole", name="hole"), settings=settings) as hub:
        good, hole = hub.statuses()
        assert (good.state, hole.state) == ("ready", "down")
        assert hole.error == "no answer within 3 s"
        with pytest.raises(ToolServerDown, match="'hole' is down: no answer within 3 s"):
            await call(hub, "echo", server="hole")


async def test_a_server_that_cannot_start_is_down_with_its_reason_and_its_last_words():
    settings = HubSettings(first_backoff=60)
    async with hub_of(scripted("crash"), settings=settings) as hub:
        (status,) = hub.statuses()
        assert status.state == "down"
        assert status.error == "its process ended: exit code 1"
        assert "No module named 'nothing'" in status.stderr_tail[-1]
        assert hub.catalogue.tools == ()
        with pytest.raises(ToolServerDown, match="exit code 1"):
            await call(hub, "echo")


async def test_a_missing_command_is_down_with_a_reason():
    spec = scripted()
    missing = type(spec)(spec.name, type(spec.server)("scripted", "/nonexistent/command"))
    async with hub_of(missing, settings=HubSettings(first_backoff=60)) as hub:
        assert hub.statuses()[0].error == "No such file or directory (/nonexistent/command)"


async def test_a_start_that_wanted_the_network_says_so():
    async with hub_of(scripted("unplugged-start"), settings=HubSettings(first_backoff=60)) as hub:
        assert "lack of network" in hub.statuses()[0].error


async def test_a_tool_that_wanted_the_network_says_so():
    async with hub_of(scripted()) as hub:
        result = await call(hub, "unplugged")
        assert result.is_error
        assert "EAI_AGAIN" in result.content[0]["text"]
        assert "lack of network" in result.content[1]["text"]


async def test_broken_tools_are_left_out_and_reported_and_cost_no_other():
    async with hub_of(scripted("broken-tools")) as hub:
        (status,) = hub.statuses()
        assert {bad.name: bad.reason for bad in status.left_out} == {
            "broken": "inputSchema is not an object",
            "(unnamed)": "not an object",
            "task_only": "it runs as a task only, which this gateway does not support",
        }
        assert status.tools == 13


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_noise_on_standard_output_is_ignored(era):
    async with hub_of(scripted("noise", era=era)) as hub:
        assert (await call(hub, "echo", {"text": "clear"})).text() == "clear"


async def test_an_answer_over_the_limit_fails_its_own_call_only():
    async with hub_of(scripted()) as hub:
        with pytest.raises(ToolServerFault, match="larger than 8388608 bytes"):
            await call(hub, "huge")
        assert (await call(hub, "echo", {"text": "still here"})).text() == "still here"
        assert len(hub.launcher.started) == 1


async def test_an_answer_that_is_no_json_fails_its_own_call_only():
    async with hub_of(scripted()) as hub:
        with pytest.raises(ToolServerFault, match="not valid JSON"):
            await call(hub, "garbage")
        assert (await call(hub, "echo", {"text": "still here"})).text() == "still here"


async def test_a_result_with_an_unknown_content_block_survives_whole():
    async with hub_of(scripted()) as hub:
        result = await call(hub, "odd")
        assert result.content[0] == {"type": "hologram", "frames": [1, 2]}
        assert (result.text(), result.structured, result.is_error) == ("seen", [1, 2], False)


async def test_a_failure_of_the_tool_is_a_result():
    async with hub_of(scripted()) as hub:
        result = await call(hub, "fail")
        assert (result.is_error, result.text()) == (True, "the tool failed")


async def test_a_json_rpc_error_is_a_fault_with_its_message_and_code():
    async with hub_of(scripted()) as hub:
        with pytest.raises(ToolServerFault, match=r"Unknown tool: refuse \(JSON-RPC error -32602\)"):
            await call(hub, "refuse")


async def test_a_wish_for_input_becomes_an_error_that_says_what_was_wanted():
    async with hub_of(scripted()) as hub:
        result = await call(hub, "ask")
        assert result.is_error
        assert "Which city?" in result.text()


async def test_arguments_that_json_cannot_hold_are_refused_before_they_are_sent():
    async with hub_of(scripted()) as hub:
        with pytest.raises(ToolServerFault, match="cannot be written as JSON"):
            await call(hub, "echo", {"text": 2**70})


async def test_a_hundred_calls_at_once_get_each_their_own_answer():
    async with hub_of(scripted()) as hub:
        answers: dict[int, str] = {}

        async def one(number: int) -> None:
            answers[number] = (await call(hub, "echo", {"text": str(number)})).text()

        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(one, number)
        assert answers == {number: str(number) for number in range(100)}


async def test_progress_is_reported_in_order():
    async with hub_of(scripted()) as hub:
        seen = []
        await call(hub, "sleep", on_progress=seen.append)
        assert [(step.progress, step.total, step.message) for step in seen] == [
            (1, 3, "step 1"),
            (2, 3, "step 2"),
            (3, 3, "step 3"),
        ]


async def test_a_progress_listener_that_fails_harms_nobody():
    def fail(_progress):
        raise RuntimeError("listener")

    async with hub_of(scripted()) as hub:
        assert (await call(hub, "sleep", on_progress=fail)).text() == "slept"


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_call_past_its_deadline_is_cancelled_at_the_server_and_the_connection_goes_on(era):
    async with hub_of(scripted(era=era)) as hub:
        with pytest.raises(ToolCallTimeout, match=r"within 0\.5 s"):
            await call(hub, "sleep", {"seconds": 30}, timeout=0.5)
        assert len(json.loads((await call(hub, "heard")).text())) == 1
        assert len(hub.launcher.started) == 1


async def test_a_cancelled_caller_cancels_the_call_at_the_server():
    async with hub_of(scripted()) as hub:
        steps = []
        under_way = partial(call, hub, "sleep", {"seconds": 30}, on_progress=lambda *step: steps.append(step))
        await cancelled_once(lambda: steps, under_way)
        assert len(json.loads((await call(hub, "heard")).text())) == 1


async def test_the_operators_bound_on_a_call_holds():
    async with hub_of(scripted(timeout=0.1)) as hub:
        with pytest.raises(ToolCallTimeout):
            await call(hub, "sleep", {"seconds": 30}, timeout=60)


async def test_killing_the_server_ends_the_call_under_way_and_the_next_one_works():
    async with hub_of(scripted()) as hub:
        pid = (await where(hub))["pid"]
        problems = []

        async def doomed() -> None:
            try:
                await call(hub, "sleep", {"seconds": 30})
            except ToolServerDown as down:
                problems.append(down.message)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(doomed)
            await anyio.wait_all_tasks_blocked()
            os.kill(pid, signal.SIGKILL)
        assert problems == ["The tool server 'scripted' is down: its process ended: exit code -9."]
        assert (await where(hub))["pid"] != pid
        assert hub.statuses()[0].state == "ready"


async def test_a_server_that_is_down_keeps_its_tools_in_the_catalogue():
    async with hub_of(scripted(), settings=HubSettings(first_backoff=60, reconnect_patience=0.1)) as hub:
        before = hub.catalogue
        with pytest.raises(ToolServerDown):
            await call(hub, "die")
        await eventually(lambda: hub.statuses()[0].state == "down")
        assert hub.catalogue is before
        with pytest.raises(ToolServerDown, match="exit code 3"):
            await call(hub, "echo")


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_changed_list_of_tools_makes_a_new_catalogue(era):
    async with hub_of(scripted(era=era)) as hub:
        before = hub.catalogue
        assert "scripted/grown" not in before.by_name
        await call(hub, "grow")
        await eventually(lambda: "scripted/grown" in hub.catalogue.by_name)
        assert hub.catalogue.generation == before.generation + 1
        assert "scripted/grown" not in before.by_name


async def test_an_unchanged_list_keeps_the_catalogue():
    async with hub_of(scripted(), settings=HubSettings(relist_every=0.01)) as hub:
        before = hub.catalogue
        for _ in range(20):
            await call(hub, "echo")
        assert hub.catalogue is before


async def test_the_catalogue_names_each_tool_for_policies_and_for_models():
    async with hub_of(scripted(name="b"), scripted(name="a")) as hub:
        names = [tool.qualified for tool in hub.catalogue.tools]
        assert names == sorted(names)
        assert hub.catalogue.by_wire_name["a__echo"] is hub.catalogue.by_name["a/echo"]


async def test_a_disabled_server_is_never_started():
    async with hub_of(scripted(disabled=True)) as hub:
        assert hub.statuses()[0].state == "disabled"
        assert hub.launcher.started == []
        with pytest.raises(ToolServerDown, match="disabled"):
            await call(hub, "echo")


async def test_a_hub_without_a_launcher_reports_its_stdio_servers_down():
    async with Hub([scripted()], None) as hub:
        await hub.settled()
        assert hub.statuses()[0].state == "down"


async def test_a_server_that_is_not_there_is_down():
    async with hub_of() as hub:
        with pytest.raises(ToolServerDown, match="There is no tool server 'nobody'"):
            await call(hub, "echo", server="nobody")
