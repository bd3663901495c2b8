"""`/v1/servers`: each key sees its own servers and how they are; what they said is for operators."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from gateway.hub import Hub
from tests.support.conditions import eventually
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process
from tests.support.odd import DOWN, STUCK, UP, odd_server
from tests.support.odd import SECRET as HELD

FORWARDED = {"x-forwarded-for": "203.0.113.9"}
OPERATOR = "operator-token-0123456789"


async def listed(gateway: InProcess, secret: str | None = SECRET, **headers: str) -> dict[str, dict[str, Any]]:
    async with gateway.http(secret) as http:
        answer = await http.get("/v1/servers", headers=headers)
    assert answer.status_code == 200
    assert answer.json()["object"] == "list"
    return {server["name"]: server for server in answer.json()["data"]}


async def test_a_key_sees_the_servers_that_its_policies_reach(gateway: InProcess):
    mine, theirs = await listed(gateway), await listed(gateway, OTHER_SECRET)
    assert (mine["demo"]["state"], mine["dead"]["state"], mine["dead"]["tools"]) == ("ready", "down", 0)
    assert set(theirs) == {"demo"}
    assert theirs["demo"]["tools"] == 1
    assert theirs["demo"]["tools"] < mine["demo"]["tools"]


async def test_a_key_without_tools_sees_none_and_one_that_asks_for_them_sees_its_own(gateway: InProcess):
    assert await listed(gateway, "plain-secret-0123456789") == {}
    assert set(await listed(gateway, "asking-secret-0123456789")) == {"demo", "dead"}


async def test_nobody_is_told_anything_without_a_key(gateway: InProcess):
    async with gateway.http(None) as http:
        answer = await http.get("/v1/servers")
    assert answer.status_code == 401
    assert b"dead" not in answer.content


def _starting(hub: Hub) -> set[str]:
    return {status.name for status in hub.statuses() if status.state == "starting"}


@pytest.fixture(scope="module")
async def odd() -> AsyncGenerator[InProcess]:
    document = {
        "operator_token": OPERATOR,
        "mcpServers": {way: odd_server(way) for way in (*DOWN, *UP, *STUCK)},
        "keys": {"agent": {"secret": SECRET, "policies": ["all"]}},
    }
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        policies = {"all": {"allow": [f"{way}/*" for way in (*DOWN, *UP, *STUCK)]}}
        async with gateway_in_process(Path(folder), document, policies, settle=False) as gateway:
            hub = gateway.gateway.services.hub
            await eventually(lambda: not (_starting(hub) & {*DOWN, *UP}))
            yield gateway


@pytest.mark.parametrize("way", DOWN)
async def test_a_server_that_is_wrong_is_down_with_the_reason(odd: InProcess, way: str):
    server = (await listed(odd, **FORWARDED))[way]
    assert server["state"] == "down"
    assert DOWN[way] in server["error"]
    assert set(server) == {"name", "state", "transport", "since", "tools", "error"}


@pytest.mark.parametrize("way", UP)
async def test_noise_and_a_broken_tool_do_not_cost_the_server(odd: InProcess, way: str):
    server = (await listed(odd))[way]
    assert (server["state"], server["tools"]) == ("ready", 1)
    left_out = [one["tool"] for one in server.get("left_out", [])]
    assert left_out == (["broken"] if way == "broken-tool" else [])


@pytest.mark.parametrize("way", STUCK)
async def test_one_that_never_answers_keeps_nobody_waiting(odd: InProcess, way: str):
    assert (await listed(odd))[way]["state"] in ("starting", "down")


SAID = {"garbage": "I speak something else", "floods": "about to say a great deal"}


@pytest.mark.parametrize("way", SAID)
async def test_what_one_has_said_that_never_answers_is_told_while_it_is_still_waited_for(odd: InProcess, way: str):
    said: list[str] = []
    while not said:
        said = (await listed(odd))[way].get("stderr", [])
    assert said == [SAID[way]]
    assert "stderr" not in (await listed(odd, **FORWARDED))[way]


@pytest.mark.parametrize("way", [*DOWN, *STUCK])
async def test_a_call_to_one_that_is_wrong_ends_at_once_and_the_others_are_called(odd: InProcess, way: str):
    async with odd.http() as http:
        refused = await http.post(f"/v1/tools/{way}/work", json={"arguments": {}})
        called = await http.post("/v1/tools/fine/work", json={"arguments": {}})
    assert refused.status_code == 404
    assert called.status_code == 200, called.text


async def test_last_words_are_for_operators_and_secrets_for_nobody(odd: InProcess):
    here, elsewhere = await listed(odd), await listed(odd, **FORWARDED)
    operators = await listed(odd, OPERATOR, **FORWARDED)
    said = "cannot start without a license: [redacted]"
    assert here["crashes"]["stderr"] == operators["crashes"]["stderr"] == [said]
    assert "stderr" not in elsewhere["crashes"]
    assert HELD not in repr((here, elsewhere, operators))
