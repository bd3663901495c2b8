"""Versions before 2026-07-28 as they stand on the wire: sessions, their stream, their end."""

from __future__ import annotations

import json
from collections.abc import Callable

import anyio
import pytest

from gateway.hub.protocol import HANDSHAKE_VERSIONS
from tests.support.conditions import eventually
from tests.support.gateways import OTHER_SECRET

from .raw import Wire, error_of, message


@pytest.mark.parametrize("version", HANDSHAKE_VERSIONS)
async def test_every_version_has_its_session(wire: Wire, version: str):
    session = {"mcp-session-id": await wire.begin(version), "mcp-protocol-version": version}
    pong = await wire.send(message("ping"), session)
    assert (pong.status_code, pong.json()["result"]) == (200, {})
    listed = (await wire.send(message("tools/list"), session)).json()["result"]
    assert set(listed) == {"tools"}
    called = await wire.send(
        message("tools/call", {"name": "demo__calculate", "arguments": {"expression": "1+1"}}), session
    )
    assert called.json()["result"] == {"content": [{"type": "text", "text": "2"}]}


async def test_a_version_that_nobody_knows_is_answered_with_the_newest(wire: Wire):
    params = {"protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert (await wire.send(message("initialize", params))).json()["result"]["protocolVersion"] == "2025-11-25"
    assert error_of(await wire.send(message("initialize", {})))[1] == -32602


async def test_a_session_is_needed_and_a_lost_one_is_not_found(wire: Wire):
    assert error_of(await wire.send(message("tools/list"))) == (400, -32600, 1)
    for method, body in (("POST", message("tools/list")), ("GET", None), ("DELETE", None)):
        answer = await wire.send(body, {"mcp-session-id": "no-such-session"}, method=method)
        assert answer.status_code == 404


async def test_a_session_belongs_to_its_key_and_its_path(wire: Wire, demo: Wire):
    session = {"mcp-session-id": await wire.begin()}
    assert (await wire.send(message("ping"), session, secret=OTHER_SECRET)).status_code == 404
    assert (await wire.send(None, session, method="DELETE", secret=OTHER_SECRET)).status_code == 404
    assert (await demo.send(message("ping"), session)).status_code == 404
    assert (await wire.send(message("ping"), session)).status_code == 200


async def test_a_session_that_was_ended_is_gone(wire: Wire):
    session = {"mcp-session-id": await wire.begin()}
    assert (await wire.send(None, session, method="DELETE")).status_code == 200
    assert (await wire.send(message("ping"), session)).status_code == 404


async def test_a_method_that_is_not_there_is_an_answer_like_others(wire: Wire):
    session = {"mcp-session-id": await wire.begin()}
    assert error_of(await wire.send(message("server/discover"), session)) == (200, -32601, 1)
    for level in ("loud", ["info"], {}, 1, None):
        answer = await wire.send(message("logging/setLevel", {"level": level}), session)
        assert error_of(answer) == (200, -32602, 1)
    assert (await wire.send(message("logging/setLevel", {"level": "info"}), session)).json()["result"] == {}


async def test_an_answer_to_a_question_of_ours_is_taken_and_dropped(wire: Wire):
    session = {"mcp-session-id": await wire.begin()}
    answer = await wire.send({"jsonrpc": "2.0", "id": 9, "result": {}}, session)
    assert (answer.status_code, answer.content) == (202, b"")


async def test_a_request_is_taken_back_by_its_id(wire: Wire, cancelled: Callable[[], int]):
    session = {"mcp-session-id": await wire.begin()}
    before = cancelled()
    answers: list[tuple[int, int, object]] = []

    async def call() -> None:
        body = message("tools/call", {"name": "demo__slow", "arguments": {"seconds": 15}}, id="slow-1")
        answer = await wire.send(body, session)
        said = answer.text.partition("data: ")[2] or answer.text
        answers.append((answer.status_code, json.loads(said)["error"]["code"], json.loads(said)["id"]))

    async def take_back() -> None:
        while not answers:
            for request_id in ("other", "slow-1"):
                await wire.send(message("notifications/cancelled", {"requestId": request_id}, id=None), session)
            await anyio.sleep(0.05)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        tasks.start_soon(take_back)
    assert answers == [(200, -32800, "slow-1")]
    await eventually(lambda: cancelled() == before + 1)


async def test_an_id_that_is_in_use_is_refused(wire: Wire):
    session = {"mcp-session-id": await wire.begin()}
    statuses: list[object] = []

    async def call() -> None:
        body = message("tools/call", {"name": "demo__slow", "arguments": {"seconds": 1.5}}, id="same")
        said = (await wire.send(body, session)).json()
        statuses.append(said["error"]["code"] if "error" in said else "ok")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        tasks.start_soon(call)
    assert sorted(map(str, statuses)) == ["-32600", "ok"]
