"""A model that is shown few of many tools finds the others, and has them for the rest of the conversation."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.script import RecordedRequest
from tests.contract.loop.asking import HELLO, finish_reasons, streamed, text_of, whole
from tests.contract.matrix.surfaces import SURFACES
from tests.contract.memory.asking import ChatClient, Client, MessagesClient, begins_like
from tests.contract.responses import asking as responses
from tests.support.covering import CHAT, MESSAGES, RESPONSES
from tests.support.gateways import InProcess, audited

from .conftest import ALL, PART, PINNED

SEARCH = "toolgate__search_tools"
LOOK = Call(SEARCH, {"query": "sign an invoice", "limit": 1})
SIGN = Call("office__sign_invoice", {"number": 7})
BEGINNING = [SEARCH, PINNED]

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
UPSTREAMS = pytest.mark.parametrize("model", [CHAT, MESSAGES, RESPONSES])


def names(seen: RecordedRequest) -> list[str]:
    """The tools that a model was shown, in order, in any dialect."""
    return [(tool.get("function") or tool)["name"] for tool in seen.body.get("tools") or ()]


def tools_sent(seen: RecordedRequest) -> bytes:
    """The tools as they stood in the body, without the bracket behind the last one."""
    written = orjson.dumps(seen.body["tools"])[:-1]
    assert written in seen.raw
    return written


@UPSTREAMS
@STREAMED
async def test_what_a_search_finds_can_be_called_in_the_next_round(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, stream: bool
):
    upstream.add(Turn(text="I look.", calls=(LOOK,)), Turn(calls=(SIGN,)), Turn(text="Signed."))
    client = ChatClient(gateway, model, stream=stream)
    assert await client.say("sign invoice 7") == "I look.\n\nSigned."
    first, second, third = upstream.requests
    assert names(first) == BEGINNING
    assert names(second) == names(third) == [*BEGINNING, "office__sign_invoice"]
    assert "office__sign_invoice(number): Put a signature under a invoice" in str(second.body)
    assert "sign invoice 7: done" in str(third.body)
    assert tools_sent(second).startswith(tools_sent(first)), "a provider's cache of the prompt would not hit"


@pytest.mark.parametrize("make", [ChatClient, MessagesClient])
@pytest.mark.parametrize("model", [CHAT, MESSAGES])
@STREAMED
async def test_the_next_turn_begins_with_the_same_tools_and_messages_byte_for_byte(
    gateway: InProcess, upstream: ScriptedUpstream, model: str, make: type[Client], stream: bool
):
    other = Call(SEARCH, {"query": "translate a recipe", "limit": 2})
    upstream.add(
        Turn(calls=(LOOK,)), Turn(calls=(SIGN,)), Turn(text="Signed."), Turn(calls=(other,)), Turn(text="Found.")
    )
    client = make(gateway, model, stream=stream)
    assert await client.say("sign invoice 7") == "Signed."
    assert await client.say("and now translate a recipe") == "Found."
    *_, third, fourth, fifth = upstream.requests
    assert tools_sent(fourth) == tools_sent(third)
    assert begins_like(upstream, 3, 2)
    assert tools_sent(fifth).startswith(tools_sent(fourth))
    assert names(fifth)[3] == "office__translate_recipe"


@pytest.mark.parametrize("surface", SURFACES)
@STREAMED
async def test_clients_of_every_dialect_get_one_answer_and_see_nothing_of_the_search(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, stream: bool
):
    upstream.add(Turn(calls=(LOOK,)), Turn(calls=(SIGN,)), Turn(text="It is signed."))
    path, body = SURFACES[surface].request(CHAT, stream=stream)
    async with gateway.http() as client:
        answer = await client.post(path, json=body)
    assert answer.status_code == 200
    assert b"signed" in answer.content
    assert b"search_tools" not in answer.content
    assert names(upstream.requests[2]) == [*BEGINNING, "office__sign_invoice"]


@STREAMED
async def test_a_response_that_is_gone_on_with_by_its_id_keeps_what_was_found(
    gateway: InProcess, upstream: ScriptedUpstream, stream: bool
):
    ask: Any = responses.accumulated if stream else responses.whole
    upstream.add(Turn(calls=(LOOK,)), Turn(calls=(SIGN,)), Turn(text="Signed."), Turn(text="Yes."))
    first = await ask(gateway, CHAT, store=True)
    second = await ask(gateway, CHAT, store=True, previous_response_id=first.id, input="really?")
    assert second.output_text == "Yes."
    assert tools_sent(upstream.requests[3]) == tools_sent(upstream.requests[2])


async def test_the_clients_own_tools_stand_before_ours_and_are_handed_back(
    gateway: InProcess, upstream: ScriptedUpstream
):
    question = Call("ask_user", {"question": "Which?"})
    upstream.add(Turn(calls=(LOOK,)), Turn(calls=(SIGN, question)), Turn(text="Done."))
    client = ChatClient(gateway, CHAT, stream=True)
    client.more = {"tools": [client.tool]}
    await client.say("sign")
    (call,) = client.calls()
    assert call["function"]["name"] == "ask_user"
    client.give(call, "the blue one")
    assert await client.go_on() == "Done."
    assert names(upstream.requests[2]) == ["ask_user", *BEGINNING, "office__sign_invoice"]


async def test_a_tool_of_the_clients_with_the_name_of_one_that_is_not_shown_is_refused(gateway: InProcess):
    function = {"name": "office__sign_recipe", "parameters": {"type": "object"}}
    async with gateway.http() as client:
        body = {"model": CHAT, "messages": HELLO, "tools": [{"type": "function", "function": function}]}
        answer = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "tools[0].function.name"


async def test_a_choice_that_forces_a_tool_shows_it_at_once_and_it_stays(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(SIGN,)), Turn(text="Signed."), Turn(text="Yes."))
    client = ChatClient(gateway, CHAT, stream=False)
    client.more = {"tool_choice": {"type": "function", "function": {"name": "office__sign_invoice"}}}
    await client.say("sign")
    client.more = {}
    await client.say("really?")
    assert [names(seen) for seen in upstream.requests] == [[*BEGINNING, "office__sign_invoice"]] * 3


async def test_a_call_to_a_tool_that_is_not_shown_runs_under_the_policy_and_is_shown_from_then_on(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(
        Turn(calls=(SIGN, Call("office__sign_recipe", {"number": 500}))), Turn(text="One of them is signed.")
    )
    await whole(gateway, model=CHAT)
    assert names(upstream.requests[1]) == [*BEGINNING, "office__sign_invoice", "office__sign_recipe"]
    told = str(upstream.requests[1].body)
    assert "sign invoice 7: done" in told
    assert "small-numbers" in told


async def test_a_search_tells_nothing_of_tools_that_the_key_may_not_see(
    gateway: InProcess, upstream: ScriptedUpstream
):
    everything = tuple(
        Call(SEARCH, {"query": query, "limit": 10}) for query in ("create passport", "demo time", "invoice")
    )
    upstream.add(Turn(calls=everything), Turn(text="I see."))
    await whole(gateway, PART, model=CHAT)
    second = upstream.requests[1]
    assert {name.partition("__")[0] for name in names(second)[1:]} == {"office"}
    assert "create_" not in str(second.body["tools"])
    assert "_passport" not in str(second.body)
    assert "demo" not in str(second.body["tools"][0])


async def test_an_empty_search_says_what_to_try(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(
        Turn(calls=(Call(SEARCH, {"query": "zzz"}), Call(SEARCH, {"query": "q" * 500}))), Turn(text="No.")
    )
    await whole(gateway, model=CHAT)
    second = upstream.requests[1]
    assert names(second) == BEGINNING
    *_, nothing, too_long = second.body["messages"]
    assert "demo, office" in nothing["content"]
    assert "do not fit the tool's schema" in too_long["content"]


async def test_searches_are_told_of_counted_and_recorded_like_other_calls(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(LOOK,)), Turn(calls=(SIGN,)), Turn(text="Signed."))
    asked = {"require": ["office/sign_invoice"], "limits": {"calls": 2}}
    chunks = await streamed(gateway, model=CHAT, extra_body={"toolgate": asked})
    assert text_of(chunks) == "Signed."
    assert finish_reasons(chunks) == ["stop"]
    told = next(chunk.model_extra["toolgate"] for chunk in chunks if "toolgate" in (chunk.model_extra or {}))
    assert [(call["server"], call["tool"], call["verdict"]) for call in told["tool_calls"]] == [
        ("toolgate", "search_tools", "allow"),
        ("office", "sign_invoice", "allow"),
    ]
    assert told["limit"] == "calls"
    run, calls = await audited(gateway.shared, told["run_id"])
    assert run.calls == 2
    assert [(call.server, call.tool, call.outcome, call.may_write) for call in calls] == [
        ("toolgate", "search_tools", "ok", False),
        ("office", "sign_invoice", "ok", True),
    ]


async def test_a_request_that_leaves_few_tools_is_shown_them_all(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hello."))
    await whole(gateway, model=CHAT, extra_body={"toolgate": {"tools": ["office/sign_in*", "demo/calculate"]}})
    assert names(upstream.requests[0]) == ["demo__calculate", "office__sign_invoice"]


async def test_other_keys_are_shown_all_tools_and_have_no_search(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(calls=(LOOK,)), Turn(text="There is none."))
    await whole(gateway, ALL, model=CHAT)
    first, second = upstream.requests
    assert len(names(first)) > 60
    assert SEARCH not in names(first)
    assert f"There is no tool called '{SEARCH}'" in str(second.body)


async def test_a_lost_answer_that_is_asked_for_again_is_of_the_same_run(
    gateway: InProcess, upstream: ScriptedUpstream
):
    upstream.add(Turn(calls=(LOOK,)), Turn(status=500), Turn(calls=(SIGN,)), Turn(text="Signed."))
    async with gateway.http() as client:
        body = {"model": CHAT, "messages": HELLO, "user": "again"}
        failed = await client.post("/v1/chat/completions", json=body)
        again = await client.post("/v1/chat/completions", json=body, headers={"x-stainless-retry-count": "1"})
    assert (failed.status_code, again.status_code) == (500, 200)
    assert names(upstream.requests[2]) == [*BEGINNING, "office__sign_invoice"]
