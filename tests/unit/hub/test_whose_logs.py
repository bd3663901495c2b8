"""Whose a log message is where nothing in it says so: it is handed on beyond doubt or not at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
import pytest

from gateway.hub.meanwhile import Meanwhile
from gateway.hub.requests import Caller, Request
from gateway.hub.session import Session
from gateway.hub.transports.duplex import DuplexPeer
from tests.support.conditions import eventually

MODERN, LEGACY = "2026-07-28", "2025-11-25"


class Wire(DuplexPeer):
    """A connection whose other end is the test."""

    def __init__(self, version: str, *, has_one_owner: bool = False) -> None:
        self.diagnosed: list[Any] = []
        super().__init__(lambda method, params: self.diagnosed.append(params["data"]), has_one_owner=has_one_owner)
        self.sent: list[dict[str, Any]] = []
        self.speak(version)

    async def _send(self, message, authorizer) -> None:
        self._send_soon(message)

    def _send_soon(self, message, *, is_answer=False) -> None:
        self.sent.append(orjson.loads(message))

    def log(self, data: str) -> None:
        self.receive({"method": "notifications/message", "params": {"level": "info", "data": data}})

    def answer(self, request_id: int) -> None:
        self.receive({"id": request_id, "result": {}})


@asynccontextmanager
async def calling(wire: Wire, *heard: list[Any] | None) -> AsyncGenerator[list[anyio.CancelScope]]:
    """Calls under way; those with a list hear log messages."""
    scopes: list[anyio.CancelScope] = []

    async def call(taker: list[Any] | None) -> None:
        take = None if taker is None else (lambda params: taker.append(params["data"]))
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await wire.request("tools/call", {}, meanwhile=Meanwhile(on_log=take))

    async with anyio.create_task_group() as tasks:
        for taker in heard:
            tasks.start_soon(call, taker)
        await anyio.wait_all_tasks_blocked()
        yield scopes
        tasks.cancel_scope.cancel()


async def test_a_modern_server_logs_for_the_only_one_who_asked_for_it():
    wire, heard = Wire(MODERN), []
    assert wire.hears_logs()
    async with calling(wire, heard, None):
        assert not wire.hears_logs()
        wire.log("a")
    wire.log("b")
    assert (heard, wire.diagnosed) == (["a"], ["b"])


async def test_where_two_might_be_meant_neither_is():
    wire, first, second = Wire(MODERN), [], []
    async with calling(wire, first, second):
        wire.log("a")
    assert (first, second, wire.diagnosed) == ([], [], ["a"])


async def test_what_an_older_server_logs_to_many_owners_is_for_none_of_them():
    wire, heard = Wire(LEGACY), []
    assert not wire.hears_logs()
    async with calling(wire, heard):
        wire.log("a")
    assert (heard, wire.diagnosed) == ([], ["a"])


async def test_what_an_older_server_logs_to_one_owner_is_for_the_only_call():
    wire, heard = Wire(LEGACY, has_one_owner=True), []
    assert wire.hears_logs()
    async with calling(wire, heard):
        wire.log("a")
        async with calling(wire, None):
            wire.log("b")
    assert (heard, wire.diagnosed) == (["a"], ["b"])


@pytest.mark.parametrize("version", [MODERN, LEGACY])
async def test_after_one_was_taken_back_nobody_is_told_until_the_server_has_heard_of_that(version: str):
    wire, first, second, third = Wire(version, has_one_owner=True), [], [], []
    async with calling(wire, first) as scopes:
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        assert wire.sent[-1]["method"] == "notifications/cancelled"
        async with calling(wire, second):
            wire.log("of the first")
            wire.answer(wire.sent[-1]["id"])
            await anyio.wait_all_tasks_blocked()
        async with calling(wire, third):
            wire.log("of the third")
    assert (first, second, third) == ([], [], ["of the third"])
    assert wire.diagnosed == ["of the first"]


async def test_among_many_owners_one_that_was_taken_back_is_in_doubt_until_it_was_answered_itself():
    wire, first, second, third = Wire(MODERN), [], [], []
    async with calling(wire, first) as scopes:
        taken_back = wire.sent[-1]["id"]
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        async with calling(wire, second):
            wire.answer(wire.sent[-1]["id"])
            await anyio.wait_all_tasks_blocked()
        async with calling(wire, third):
            wire.log("of the first")
            wire.answer(taken_back)
            wire.log("of the third")
    assert (first, second, third) == ([], [], ["of the third"])
    assert wire.diagnosed == ["of the first"]


async def test_what_a_server_never_answers_after_all_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.transports.duplex._MOST_TAKEN_BACK", 2)
    wire, heard = Wire(MODERN), []
    for _ in range(4):
        async with calling(wire, []) as scopes:
            scopes[0].cancel()
    for request_id in range(10):
        wire.answer(request_id)
    async with calling(wire, heard):
        wire.log("anybody's")
    assert (heard, wire.diagnosed) == ([], ["anybody's"])


async def test_an_older_server_may_log_for_what_was_taken_back_whoever_wanted_that():
    wire, heard = Wire(LEGACY, has_one_owner=True), []
    async with calling(wire, None) as scopes:
        scopes[0].cancel()
        await anyio.wait_all_tasks_blocked()
        async with calling(wire, heard):
            wire.log("of the first")
    assert (heard, wire.diagnosed) == ([], ["of the first"])


async def test_a_server_is_asked_for_no_log_that_could_be_anybodys():
    wire, heard = Wire(MODERN), []
    session = Session(wire, MODERN, {})

    async def call() -> None:
        request = Request("tools/call", {}, 5, Caller(log_level="info"), Meanwhile(on_log=heard.append))
        await session.request(request)

    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(call)
            await anyio.wait_all_tasks_blocked()
        levels = [said["params"]["_meta"].get("io.modelcontextprotocol/logLevel") for said in wire.sent]
        assert levels == ["info", None]
        wire.log("a")
        assert [params["data"] for params in heard] == ["a"]
        tasks.cancel_scope.cancel()


async def test_an_older_server_is_told_of_a_level_once_and_of_a_lower_one():
    wire = Wire(LEGACY, has_one_owner=True)
    session = Session(wire, LEGACY, {"capabilities": {"logging": {}}})

    async def answer_all() -> None:
        seen = 0
        while True:
            await anyio.lowlevel.checkpoint()
            for said in wire.sent[seen:]:
                seen += 1
                wire.answer(said["id"])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer_all)
        for level in ("warning", "warning", "error", "debug"):
            request = Request("tools/call", {}, 5, Caller(log_level=level), Meanwhile(on_log=lambda params: None))
            await session.request(request)
        tasks.cancel_scope.cancel()
    told = [said["params"]["level"] for said in wire.sent if said["method"] == "logging/setLevel"]
    assert told == ["warning", "debug"]


async def test_a_server_that_does_not_answer_to_a_level_holds_up_no_call(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.session._LEVEL_PATIENCE", 0.01)
    wire = Wire(LEGACY, has_one_owner=True)
    session = Session(wire, LEGACY, {"capabilities": {"logging": {}}})
    request = Request("tools/call", {}, 5, Caller(log_level="info"), Meanwhile(on_log=lambda params: None))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(session.request, request)
        await eventually(lambda: any(said["method"] == "tools/call" for said in wire.sent))
        wire.answer(next(said["id"] for said in wire.sent if said["method"] == "tools/call"))
