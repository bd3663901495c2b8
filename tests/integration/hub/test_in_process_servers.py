"""Servers that are objects of this process."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import anyio

from gateway.hub import Caller, Hub, InProcessServerSpec, Meanwhile, functions_server
from tests.integration.hub.servers.offering import NOTE, build_offering
from tests.integration.hub.servers.over_http import Seen, build_server
from tests.support.conditions import cancelled_once, eventually, past_its_deadline


def add(first: int, second: int) -> int:
    """Add two numbers."""
    return first + second


async def greet(name: str = "world") -> str:
    """Greet somebody."""
    return f"hello {name}"


def fail() -> str:
    raise ValueError("out of order")


@asynccontextmanager
async def hub_of(*specs: InProcessServerSpec) -> AsyncGenerator[Hub]:
    with anyio.fail_after(60):
        async with Hub(specs, None) as hub:
            await hub.settled()
            yield hub


async def test_functions_are_tools_named_described_and_typed_as_they_are():
    async with hub_of(functions_server("mine", add, greet, fail)) as hub:
        (status,) = hub.statuses()
        assert (status.state, status.transport, status.era, status.tools) == ("ready", "in_process", "modern", 3)
        tool = hub.catalogue.by_name["mine/add"]
        assert tool.description == "Add two numbers."
        assert tool.input_schema["required"] == ["first", "second"]
        added = await hub.call("mine", "add", {"first": 2, "second": 3}, owner="key", timeout=60)
        assert (added.is_error, added.text()) == (False, "5")
        assert (await hub.call("mine", "greet", {}, owner="key", timeout=60)).text() == "hello world"


async def test_a_function_that_fails_is_a_result_and_harms_no_other():
    async with hub_of(functions_server("mine", add, fail)) as hub:
        failed = await hub.call("mine", "fail", {}, owner="key", timeout=60)
        assert failed.is_error
        wrong = await hub.call("mine", "add", {"first": "x"}, owner="key", timeout=60)
        assert wrong.is_error
        assert (await hub.call("mine", "add", {"first": 1, "second": 1}, owner="key", timeout=60)).text() == "2"


async def test_a_server_object_has_its_progress_its_deadlines_and_its_cancelling():
    seen = Seen()
    async with hub_of(InProcessServerSpec("mine", build_server(seen)[0])) as hub:
        call = partial(hub.call, "mine", "sleep", owner="key")
        steps = []
        await call({}, timeout=60, meanwhile=Meanwhile(steps.append))
        assert [step.progress for step in steps] == [1, 2, 3]
        await past_its_deadline(
            lambda deadline: call({"seconds": 60}, timeout=deadline), lambda: len(seen.executed) == 2
        )
        await eventually(lambda: seen.cancelled == ["sleep"])
        await cancelled_once(lambda: len(seen.executed) == 3, partial(call, {"seconds": 60}, timeout=60))
        await eventually(lambda: seen.cancelled == ["sleep", "sleep"])


async def test_a_server_object_offers_all_that_others_do():
    async with hub_of(InProcessServerSpec("mine", build_offering()[0])) as hub:
        read = await hub.request("mine", "resources/read", {"uri": NOTE}, owner="key", timeout=60)
        assert read["contents"][0]["text"] == "first"
        known = hub.catalogue
        await hub.call("mine", "grow", {}, owner="key", timeout=60)
        while len(known.resources) < 2:
            known = await hub.change(known)
        assert known is hub.catalogue


async def test_what_a_server_logs_is_kept_in_its_status_as_far_as_it_is_recent():
    async with hub_of(InProcessServerSpec("mine", build_offering()[0])) as hub:
        for _ in range(60):
            await hub.call("mine", "say", {}, owner="key", timeout=60, caller=Caller(log_level="debug"))
        assert hub.statuses()[0].said == ("warning: careful",) * 50


async def test_many_calls_at_once_get_each_their_own_answer():
    async with hub_of(InProcessServerSpec("mine", build_server(Seen())[0])) as hub:
        answers = {}

        async def one(number: int) -> None:
            result = await hub.call("mine", "echo", {"number": number}, owner="key", timeout=60)
            answers[number] = json.loads(result.text())["number"]

        async with anyio.create_task_group() as tasks:
            for number in range(200):
                tasks.start_soon(one, number)
        assert answers == {number: number for number in range(200)}
