"""A request narrows the tools of its key, or insists on some."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import InProcess

from .asking import whole

STRANDED = "stranded-secret-0123456789"


def offered(upstream: ScriptedUpstream) -> set[str]:
    (request,) = upstream.requests
    return {tool["function"]["name"] for tool in request.body.get("tools", [])}


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("demo/current_time", {"demo__current_time"}),
        (
            "demo/*_note, demo/list_notes",
            {"demo__read_note", "demo__write_note", "demo__delete_note", "demo__list_notes"},
        ),
        ("none", set()),
        ("other/*", set()),
    ],
)
async def test_the_header_narrows(gateway: InProcess, upstream: ScriptedUpstream, header: str, names: set[str]):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, extra_headers={"x-toolgate-tools": header})
    assert offered(upstream) == names


async def test_header_and_field_both_narrow(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(
        gateway,
        extra_headers={"x-toolgate-tools": "demo/*_note"},
        extra_body={"toolgate": {"tools": ["demo/read_*", "demo/current_time"]}},
    )
    assert offered(upstream) == {"demo__read_note"}


async def test_narrowing_never_widens(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "other-secret-0123456789", extra_headers={"x-toolgate-tools": "*/*"})
    assert "demo__write_note" not in offered(upstream)


async def test_a_key_with_tools_off_has_none_whatever_it_asks_for(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    await whole(gateway, "plain-secret-0123456789", extra_headers={"x-toolgate-tools": "demo/*"})
    assert offered(upstream) == set()


async def test_a_key_with_tools_on_request_has_them_when_it_asks(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."), Turn(text="Hi."))
    await whole(gateway, "asking-secret-0123456789")
    await whole(gateway, "asking-secret-0123456789", extra_headers={"x-toolgate-tools": "demo/calculate"})
    first, second = upstream.requests
    assert not first.body.get("tools")
    assert [tool["function"]["name"] for tool in second.body["tools"]] == ["demo__calculate"]


async def test_insisting_on_a_server_that_is_down_is_answered_503(gateway: InProcess, upstream: ScriptedUpstream):
    with pytest.raises(openai.InternalServerError) as caught:
        await whole(gateway, STRANDED, extra_body={"toolgate": {"require": ["dead/*"]}})
    assert (caught.value.status_code, caught.value.code) == (503, "tools_unavailable")
    assert "dead" in caught.value.message
    assert upstream.requests == []


async def test_else_the_answer_names_the_dead_servers_and_goes_on_without(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(text="Hi."))
    answer = await whole(gateway, STRANDED)
    assert answer.toolgate["unavailable"] == ["dead"]
    assert offered(upstream) == {"demo__current_time"}


async def test_servers_that_a_key_may_not_use_are_not_named(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    answer = await whole(gateway, extra_body={"toolgate": {}})
    assert answer.toolgate["unavailable"] == []


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ({"limit": {}}, "toolgate.limit"),
        ({"limits": {"rounds": 0}}, "toolgate.limits.rounds"),
        ({"tools": "demo/*"}, "toolgate.tools"),
        ({"tools": ["demo"]}, "toolgate.tools"),
        ({"events": "yes"}, "toolgate.events"),
        ([], "toolgate"),
    ],
)
async def test_a_field_that_is_not_understood_is_refused_by_name(
    gateway: InProcess, upstream: ScriptedUpstream, field: Any, param: str
):
    with pytest.raises(openai.BadRequestError) as caught:
        await whole(gateway, extra_body={"toolgate": field})
    assert caught.value.param == param
    assert upstream.requests == []
