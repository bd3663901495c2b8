"""openai-agents, with its model for Chat Completions, through the gateway: its own tools beside the gateway's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import openai
import pytest
from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from openai.types.responses import ResponseTextDeltaEvent

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.responses.asking import SUM, results_in
from tests.support.covering import BY_MODEL, OPENAI_AGENTS, covers
from tests.support.gateways import InProcess

QUIET = RunConfig(tracing_disabled=True)
MINE = Call("favourite_colour", {"person": "Ada"})


@function_tool
def favourite_colour(person: str) -> str:
    """The favourite colour of a person."""
    return f"{person} likes blue"


@pytest.fixture
async def helper(gateway: InProcess, model: str) -> AsyncGenerator[Agent[Any]]:
    async with gateway.client() as sdk:
        yield Agent(
            name="helper",
            instructions="Be brief.",
            model=OpenAIChatCompletionsModel(model, sdk),
            tools=[favourite_colour],
        )


@covers(OPENAI_AGENTS, BY_MODEL, "whole", "own tools", "gateway tools", "mixed turn")
async def test_an_agent_has_a_conversation_with_tools_of_both_sides(
    helper: Agent[Any], upstream: ScriptedUpstream
):
    upstream.add(Turn(text="One moment.", calls=(SUM, MINE)), Turn(calls=(SUM,)), Turn(text="Blue, and 42."))
    run = await Runner.run(helper, "Which colour, and how much?", run_config=QUIET)
    assert run.final_output == "Blue, and 42."
    assert results_in(upstream.requests[1].body) == ["42", "Ada likes blue"]
    assert results_in(upstream.requests[2].body) == ["42", "Ada likes blue", "42"]


@covers(OPENAI_AGENTS, BY_MODEL, "streamed", "own tools", "gateway tools", "mixed turn")
async def test_the_same_as_a_stream_whose_usage_nobody_asked_for(helper: Agent[Any], upstream: ScriptedUpstream):
    upstream.add(Turn(text="One moment.", calls=(SUM, MINE)), Turn(calls=(SUM,)), Turn(text="Blue, and 42."))
    run = Runner.run_streamed(helper, "Which colour, and how much?", run_config=QUIET)
    pieces = [
        event.data.delta
        async for event in run.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    assert "".join(pieces) == "One moment.Blue, and 42."
    assert run.final_output == "Blue, and 42."
    assert results_in(upstream.requests[2].body) == ["42", "Ada likes blue", "42"]


@covers(OPENAI_AGENTS, BY_MODEL, "errors")
async def test_a_fault_in_a_stream_reaches_the_agent_as_an_exception(
    helper: Agent[Any], upstream: ScriptedUpstream
):
    upstream.add(Turn(text="one two three four", error_after=4))
    run = Runner.run_streamed(helper, "Hello", run_config=QUIET)
    with pytest.raises(openai.APIError, match="script says error"):
        async for _ in run.stream_events():
            pass
