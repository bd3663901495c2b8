"""`/v1/tools`: each end that a call can come to has its status, and its record."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import anyio
import pytest

from gateway.api.tools import _CODES, _STATUS
from gateway.hub import Hub
from gateway.tool_calls import OutcomeKind
from tests.support.conditions import cancelled_once, eventually
from tests.support.gateways import OTHER_SECRET, InProcess, audited, find_run


async def call(
    gateway: InProcess, name: str, arguments: Any = None, secret: str = "test-secret-0123456789", **more: Any
):
    async with gateway.http(secret) as http:
        return await http.post(f"/v1/tools/{name}", json={"arguments": arguments or {}, **more})


def test_every_outcome_but_a_cancelled_one_has_a_status_and_those_that_are_errors_a_code():
    assert set(_STATUS) == set(get_args(OutcomeKind)) - {"cancelled"}  # whose client has left
    assert {outcome for outcome, status in _STATUS.items() if status != 200} == set(_CODES)


async def test_a_call_that_works_gives_its_content_its_verdict_and_its_run(gateway: InProcess):
    answer = await call(gateway, "demo/calculate", {"expression": "6 * 7"})
    told = answer.json()
    assert answer.status_code == 200
    assert told["content"] == [{"type": "text", "text": "42"}]
    assert (told["tool"], told["verdict"], told["outcome"], told["is_error"]) == (
        "demo/calculate",
        "allow",
        "ok",
        False,
    )
    assert told["run_id"] == answer.headers["x-toolgate-run-id"]
    run, calls = await audited(gateway.shared, told["run_id"])
    assert (run.dialect, run.outcome, run.calls, run.rounds, run.key_id) == ("tools", "ok", 1, 0, "agent")
    assert [(one.server, one.tool, one.outcome) for one in calls] == [("demo", "calculate", "ok")]


@pytest.mark.parametrize(
    ("name", "arguments", "status", "code", "outcome"),
    [
        ("demo/fail", {}, 200, None, "tool_error"),
        ("demo/read_note", {"name": "welcome"}, 403, "tool_denied", "denied"),
        ("demo/nothing", {}, 404, "tool_not_found", "unknown_tool"),
        ("demo/calculate", {"expresion": "1"}, 422, "invalid_arguments", "invalid_arguments"),
        ("demo/slow", {"seconds": 600}, 504, "tool_timeout", "timeout"),
        ("demo/crash", {}, 503, "tool_server_down", "server_down"),
    ],
)
async def test_each_end_of_a_call_has_its_status_and_its_code(
    gateway: InProcess, name: str, arguments: dict[str, Any], status: int, code: str | None, outcome: str
):
    answer = await call(gateway, name, arguments)
    body = answer.json()
    assert answer.status_code == status
    if code is None:
        assert (body["outcome"], body["is_error"]) == (outcome, True)
    else:
        assert (body["error"]["code"], body["toolgate"]["outcome"]) == (code, outcome)
        assert body["error"]["message"]
        assert set(body["error"]) == {"message", "type", "param", "code"}
    run, _ = await audited(gateway.shared, answer.headers["x-toolgate-run-id"])
    assert run.outcome == outcome
    await eventually(lambda: gateway.is_ready("demo"))  # for the next test, when it has died


async def test_a_refusal_names_the_rule(gateway: InProcess):
    answer = await call(gateway, "demo/read_note", {"name": "welcome"})
    assert (answer.json()["toolgate"]["verdict"], answer.json()["toolgate"]["rule"]) == ("deny", "all/no-welcome")


async def test_a_call_that_may_have_written_says_not_to_retry_when_it_fails(gateway: InProcess):
    read_only = await call(gateway, "demo/slow", {"seconds": 600})
    writing = await call(gateway, "demo/slow_write", {"seconds": 600})
    assert (read_only.status_code, writing.status_code) == (504, 504)
    assert "x-should-retry" not in read_only.headers
    assert writing.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("name", ["demo/calculate", "demo__calculate", "demo%2Fcalculate"])
async def test_a_tool_is_called_by_either_of_its_names(gateway: InProcess, name: str):
    assert (await call(gateway, name, {"expression": "1"})).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "demo",
        "demo/",
        "/demo/calculate",
        "demo/calculate/",
        "demo//calculate",
        "demo/%2e%2e/demo/calculate",
        "demo%2F..%2Fdemo%2Fwrite_note",
        "demo/calculate%00",
        "demo/calculate%0a",
        "DEMO/calculate",
        "demo/calculate%20",
        "%ff%fe",
        "demo/" + "x" * 4000,
        "dead/anything",
    ],
)
async def test_no_other_spelling_of_a_name_is_a_tool(gateway: InProcess, name: str):
    async with gateway.http(OTHER_SECRET) as http:
        answer = await http.post(f"{gateway.origin}/v1/tools/{name}", json={"arguments": {"expression": "1"}})
    assert (answer.status_code, answer.json()["error"]["code"]) in ((404, "tool_not_found"), (404, "unknown_url"))
    assert len(answer.json()["error"]["message"]) < 300


async def test_a_tool_that_is_hidden_from_a_key_and_one_that_is_missing_look_alike(gateway: InProcess):
    hidden = (await call(gateway, "demo/write_note", {"name": "a"}, OTHER_SECRET)).json()["error"]
    missing = (await call(gateway, "demo/wrote_note", {"name": "a"}, OTHER_SECRET)).json()["error"]
    assert hidden["message"].replace("write", "") == missing["message"].replace("wrote", "")
    assert {**hidden, "message": ""} == {**missing, "message": ""}


@pytest.mark.parametrize("secret", ["plain-secret-0123456789"])
async def test_a_key_without_tools_has_none(gateway: InProcess, secret: str):
    assert (await call(gateway, "demo/calculate", {"expression": "1"}, secret)).status_code == 404
    async with gateway.http(secret) as http:
        assert (await http.get("/v1/tools")).json() == {"object": "list", "data": [], "unavailable": []}


async def test_a_key_whose_tools_must_be_asked_for_asks_by_coming_here(gateway: InProcess):
    assert (
        await call(gateway, "demo/calculate", {"expression": "1"}, "asking-secret-0123456789")
    ).status_code == 200


async def test_the_list_has_what_the_key_may_see_and_says_which_servers_are_down(gateway: InProcess):
    async with gateway.http() as http, gateway.http(OTHER_SECRET) as reader:
        mine, theirs = (await http.get("/v1/tools")).json(), (await reader.get("/v1/tools")).json()
    assert [tool["qualified_name"] for tool in theirs["data"]] == ["demo/calculate"]
    assert theirs["data"][0]["name"] == "demo__calculate"
    assert theirs["data"][0]["input_schema"]["type"] == "object"
    assert (mine["unavailable"], theirs["unavailable"]) == (["dead"], [])
    assert len(mine["data"]) > 5


async def test_a_header_narrows_the_list_and_the_calls(gateway: InProcess):
    headers = {"x-toolgate-tools": "demo/list_*"}
    async with gateway.http() as http:
        listed = (await http.get("/v1/tools", headers=headers)).json()["data"]
        called = await http.post(
            "/v1/tools/demo/calculate", json={"arguments": {"expression": "1"}}, headers=headers
        )
    assert [tool["tool"] for tool in listed] == ["list_notes"]
    assert called.status_code == 404


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b'{"arguments": []}', "arguments"),
        (b'{"arguments": null}', "arguments"),
        (b'{"arguments": "{}"}', "arguments"),
        (b'{"expression": "1"}', "expression"),
        (b'{"arguments": {}, "toolgate": {"tolls": []}}', "toolgate.tolls"),
        (b"[]", None),
        (b"nonsense", None),
    ],
)
async def test_a_body_that_is_not_a_call_is_refused_before_anything_runs(
    gateway: InProcess, content: bytes, param: str | None
):
    async with gateway.http() as http:
        answer = await http.post("/v1/tools/demo/calculate", content=content)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert await find_run(gateway.shared, answer.headers["x-toolgate-run-id"]) is None


async def test_a_body_may_be_left_out(gateway: InProcess):
    async with gateway.http() as http:
        answer = await http.post("/v1/tools/demo/list_notes")
    assert answer.status_code == 200


async def test_a_client_that_leaves_stops_a_call_that_only_reads(
    gateway: InProcess, monkeypatch: pytest.MonkeyPatch
):
    begun: list[Any] = []
    call_as_ever = Hub.call

    def watched(self: Hub, *given: Any, **more: Any) -> Any:
        begun.append(given)
        return call_as_ever(self, *given, **more)

    monkeypatch.setattr(Hub, "call", watched)
    await gateway.shared.audit.flush()
    async with gateway.http() as http:
        before = {run.run_id for run in await gateway.shared.audit.runs(limit=1000)}
        slow = partial(http.post, "/v1/tools/demo/slow", json={"arguments": {"seconds": 60}})
        await cancelled_once(lambda: begun, slow)
    with anyio.fail_after(60):
        while True:
            await gateway.shared.audit.flush()
            new = [run for run in await gateway.shared.audit.runs() if run.run_id not in before]
            if new:
                break
            await anyio.sleep(0.02)
    assert [run.outcome for run in new] == ["client_left"]
    _, calls = await audited(gateway.shared, new[0].run_id)
    assert [one.outcome for one in calls] == ["cancelled"]
