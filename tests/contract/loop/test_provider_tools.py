"""Tools that the provider would run itself are never forwarded in silence: the policy decides on them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import InProcess

from .asking import HELLO, whole

SEARCHER = "searcher-secret-0123456789"
PLAIN = "plain-secret-0123456789"
TRUSTING = "trusting-secret-0123456789"


@pytest.mark.parametrize("secret", ["test-secret-0123456789", PLAIN])
@pytest.mark.parametrize(
    ("request_fields", "param", "tool"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]", "web_search"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "mcp"}]}, "tools[1]", "mcp"),
        ({"web_search_options": {}}, "web_search_options", "web_search"),
        ({"plugins": [{"id": "web"}]}, "plugins[0]", "web"),
    ],
)
async def test_they_are_denied_by_default_on_both_ways_through(
    gateway: InProcess,
    upstream: ScriptedUpstream,
    secret: str,
    request_fields: dict[str, Any],
    param: str,
    tool: str,
):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await whole(gateway, secret, extra_body=request_fields)
    assert (caught.value.code, caught.value.param) == ("tool_denied", param)
    assert f"'{tool}'" in caught.value.message
    assert upstream.requests == []


async def test_a_policy_can_allow_them(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Found."))
    await whole(gateway, SEARCHER, extra_body={"web_search_options": {}, "tools": [{"type": "web_search"}]})
    sent = upstream.requests[0].body
    assert sent["web_search_options"] == {}
    assert sent["tools"] == [{"type": "web_search"}]
    assert sent["messages"] == HELLO


async def test_tools_that_the_client_runs_pass(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    tool: Any = {"type": "custom", "custom": {"name": "shell"}}
    await whole(gateway, PLAIN, tools=[tool])
    assert upstream.requests[0].body["tools"] == [tool]


@pytest.mark.parametrize("field", [{"type": "thought_police"}, {"type": "function_2"}, {"type": "web"}])
async def test_a_type_that_nobody_knows_is_refused_by_name(
    gateway: InProcess, upstream: ScriptedUpstream, field: dict[str, Any]
):
    with pytest.raises(openai.BadRequestError) as caught:
        await whole(gateway, SEARCHER, extra_body={"tools": [field]})
    assert (caught.value.code, caught.value.param) == ("unknown_tool_type", "tools[0]")
    assert repr(field["type"]) in caught.value.message
    assert "unknown_tools: pass" in caught.value.message
    assert upstream.requests == []


async def test_a_key_can_let_unknown_types_pass(gateway: InProcess, upstream: ScriptedUpstream):
    upstream.add(Turn(text="Hi."))
    tool: Any = {"type": "thought_police", "badge": 7}
    await whole(gateway, TRUSTING, tools=[tool])
    assert upstream.requests[0].body["tools"] == [tool]
    with pytest.raises(openai.PermissionDeniedError):
        await whole(gateway, TRUSTING, extra_body={"tools": [{"type": "web_search"}]})
