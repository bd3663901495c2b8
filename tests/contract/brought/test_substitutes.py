"""`provider_tools` in the config: one of our tools runs in the place of one that the provider would run."""

from __future__ import annotations

from typing import Any

import anthropic
import openai
import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.loop import asking as chat
from tests.contract.messages import asking as messages
from tests.contract.messages.asking import ASK_USER, offered, results_in, text_of
from tests.support.gateways import SECRET, InProcess

from .conftest import ASKING, BARE, PLAIN

SUM = Call("demo__calculate", {"expression": "6 * 7"})
SEARCH: Any = {"type": "web_search_20260209", "name": "web_search", "max_uses": 3}


async def test_on_messages_ours_is_offered_and_the_providers_is_not(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await messages.whole(gateway, model, ASKING, tools=[ASK_USER, SEARCH])
    assert text_of(answer) == "It is 42."
    assert {block.type for block in answer.content} == {"text"}
    assert offered(upstream) == {"ask_user", "demo__calculate"}
    assert "web_search" not in upstream.requests[0].raw.decode()
    assert results_in(upstream.requests[1].body) == ["42"]


async def test_a_choice_of_the_providers_tool_is_one_of_ours(
    gateway: InProcess, upstream: ScriptedUpstream, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    await messages.whole(gateway, model, tools=[SEARCH], tool_choice={"type": "tool", "name": "web_search"})
    chosen = upstream.requests[0].body["tool_choice"]
    assert "demo__calculate" in (chosen.get("name"), chosen.get("function", {}).get("name"))
    assert "tool_choice" not in upstream.requests[1].body


@pytest.mark.parametrize(
    "fields", [{"web_search_options": {"search_context_size": "low"}}, {"tools": [{"type": "web_search_preview"}]}]
)
async def test_on_chat_too(gateway: InProcess, upstream: ScriptedUpstream, fields: dict[str, Any]):
    upstream.add(Turn(calls=(SUM,)), Turn(text="It is 42."))
    answer = await chat.whole(gateway, ASKING, extra_body=fields)
    assert answer.choices[0].message.content == "It is 42."
    sent = upstream.requests[0].body
    assert "web_search_options" not in sent
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["demo__calculate"]


async def test_it_is_attached_whatever_else_the_request_leaves_out(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    header = {"x-toolgate-tools": "demo/current_time"}
    await chat.whole(gateway, SECRET, extra_body={"web_search_options": {}}, extra_headers=header)
    names = {tool["function"]["name"] for tool in upstream.requests[0].body["tools"]}
    assert names == {"demo__calculate", "demo__current_time"}


@pytest.mark.parametrize("secret", [BARE, PLAIN])
async def test_the_keys_policy_decides_on_ours(gateway: InProcess, upstream: ScriptedUpstream, secret: str):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await chat.whole(gateway, secret, extra_body={"web_search_options": {}})
    assert (caught.value.code, caught.value.param) == ("tool_denied", "web_search_options")
    assert "'web_search'" in caught.value.message
    assert "demo" not in caught.value.message
    assert upstream.requests == []


async def test_ours_that_is_not_there_is_told_without_its_name(gateway: InProcess, upstream: ScriptedUpstream):
    tool: Any = {"type": "code_execution_20250825", "name": "code_execution"}
    with pytest.raises(anthropic.APIStatusError) as caught:
        await messages.whole(gateway, "claude", tools=[tool])
    assert caught.value.status_code == 503
    assert "tools[0]" in str(caught.value)
    assert "no_such_tool" not in str(caught.value)
    with pytest.raises(anthropic.PermissionDeniedError):
        await messages.whole(gateway, "claude", BARE, tools=[tool])


async def test_other_tools_of_the_provider_stay_what_they_are(gateway: InProcess, upstream: ScriptedUpstream):
    fetch: Any = {"type": "web_fetch_20260209", "name": "web_fetch"}
    with pytest.raises(anthropic.PermissionDeniedError, match=r"tools\[1\].*web_fetch"):
        await messages.whole(gateway, "claude", tools=[SEARCH, fetch])
    assert upstream.requests == []
