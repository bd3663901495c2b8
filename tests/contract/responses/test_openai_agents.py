"""openai-agents, with its model for Responses, through the gateway: its own tools beside the gateway's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from agents import Agent, ModelSettings, OpenAIResponsesModel, RunConfig, Runner, function_tool
from openai.types.responses import ResponseTextDeltaEvent
from openai.types.shared import Reasoning

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.covering import BY_MODEL, OPENAI_AGENTS, covers
from tests.support.gateways import InProcess

from .asking import SUM, results_in

QUIET = RunConfig(tracing_disabled=True)


@function_tool
def favourite_colour(person: str) -> str:
    """The favourite colour of a person."""
    return f"{person} likes blue"


@pytest.fixture
async def helper(gateway: InProcess, model: str) -> AsyncGenerator[Agent[Any]]:
    settings = ModelSettings(reasoning=Reasoning(effort="low"), response_include=["reasoning.encrypted_content"])
    async with gateway.client() as openai:
        yield Agent(
            name="helper",
            instructions="Be brief.",
            model=OpenAIResponsesModel(model, openai),
            model_settings=settings,
            tools=[favourite_colour],
        )


def script(upstream: ScriptedUpstream) -> None:
    mine = Call("favourite_colour", {"person": "Ada"})
    upstream.add(
        Turn(reasoning="Hm.", text="One moment.", calls=(SUM, mine)),
        Turn(text="Now I add.", calls=(SUM,)),
        Turn(text="Blue, and 42."),
        Turn(text="You are welcome."),
    )


def check(upstream: ScriptedUpstream) -> None:
    """The model saw everything in its order, also what the agent does not know of."""
    assert results_in(upstream.requests[1].body) == ["42", "Ada likes blue"]
    assert results_in(upstream.requests[2].body) == ["42", "Ada likes blue", "42"]
    assert results_in(upstream.requests[3].body) == ["42", "Ada likes blue", "42"]


@covers(OPENAI_AGENTS, BY_MODEL, "whole", "own tools", "gateway tools", "mixed turn", "reasoning")
async def test_an_agent_has_a_conversation_with_tools_of_both_sides(
    helper: Agent[Any], upstream: ScriptedUpstream
):
    script(upstream)
    first = await Runner.run(helper, "Which colour, and how much?", run_config=QUIET)
    assert first.final_output == "Blue, and 42."
    thanks: Any = {"role": "user", "content": "Thanks."}
    second = await Runner.run(helper, [*first.to_input_list(), thanks], run_config=QUIET)
    assert second.final_output == "You are welcome."
    check(upstream)


@covers(OPENAI_AGENTS, BY_MODEL, "streamed", "own tools", "gateway tools", "mixed turn", "reasoning")
async def test_the_same_as_a_stream(helper: Agent[Any], upstream: ScriptedUpstream):
    script(upstream)
    run = Runner.run_streamed(helper, "Which colour, and how much?", run_config=QUIET)
    events = [event async for event in run.stream_events()]
    pieces = [
        event.data.delta
        for event in events
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    assert "".join(pieces) == "One moment.Now I add.\n\nBlue, and 42."
    assert run.final_output == "Blue, and 42."
    thanks: Any = {"role": "user", "content": "Thanks."}
    second = Runner.run_streamed(helper, [*run.to_input_list(), thanks], run_config=QUIET)
    async for _ in second.stream_events():
        pass
    check(upstream)


@covers(OPENAI_AGENTS, BY_MODEL, "streamed", "errors")
async def test_a_fault_reaches_the_agent_as_an_exception(helper: Agent[Any], upstream: ScriptedUpstream):
    upstream.add(Turn(text="one two three four", error_after=4))
    run = Runner.run_streamed(helper, "Hello", run_config=QUIET)
    with pytest.raises(Exception, match="script says error"):
        async for _ in run.stream_events():
            pass
