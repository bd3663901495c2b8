"""pydantic-ai, with each of its models that speaks to us: its own tools beside the gateway's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.responses.asking import SUM, results_in
from tests.support.covering import BY_MODEL, PYDANTIC_AI, covers
from tests.support.gateways import SECRET, InProcess

MINE = Call("favourite_colour", {"person": "Ada"})


class Verdict(BaseModel):
    """What the agent is to answer."""

    colour: str
    amount: int


def _chat(name: str, sdk: AsyncOpenAI, _: AsyncAnthropic) -> Model:
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=sdk))


def _responses(name: str, sdk: AsyncOpenAI, _: AsyncAnthropic) -> Model:
    return OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=sdk))


def _anthropic(name: str, _: AsyncOpenAI, sdk: AsyncAnthropic) -> Model:
    profile = ModelProfile(supports_json_schema_output=True)
    return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=sdk), profile=profile)


@pytest.fixture(params=[_chat, _responses, _anthropic], ids=["chat", "responses", "anthropic"])
async def speaking(request: pytest.FixtureRequest, gateway: InProcess, model: str) -> AsyncGenerator[Model]:
    make: Callable[[str, AsyncOpenAI, AsyncAnthropic], Model] = request.param
    async with (
        gateway.client() as openai,
        AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as anthropic,
    ):
        yield make(model, openai, anthropic)


def helper(speaking: Model, output: Any = str) -> Agent[None, Any]:
    agent: Agent[None, Any] = Agent(speaking, system_prompt=("Be brief.", "Be kind."), output_type=output)

    @agent.tool_plain
    def favourite_colour(person: str) -> str:
        """The favourite colour of a person."""
        return f"{person} likes blue"

    return agent


def script(upstream: ScriptedUpstream) -> None:
    upstream.add(Turn(text="One moment.", calls=(SUM, MINE)), Turn(calls=(SUM,)), Turn(text="Blue, and 42."))


@covers(PYDANTIC_AI, BY_MODEL, "whole", "own tools", "gateway tools", "mixed turn")
async def test_an_agent_works_with_tools_of_both_sides(speaking: Model, upstream: ScriptedUpstream):
    script(upstream)
    run = await helper(speaking).run("Which colour, and how much?")
    assert run.output == "Blue, and 42."
    assert results_in(upstream.requests[1].body) == ["42", "Ada likes blue"]
    assert results_in(upstream.requests[2].body) == ["42", "Ada likes blue", "42"]


@covers(PYDANTIC_AI, BY_MODEL, "streamed", "own tools", "gateway tools", "mixed turn")
async def test_the_same_as_a_stream(speaking: Model, upstream: ScriptedUpstream):
    script(upstream)
    async with helper(speaking).iter("Which colour, and how much?") as run:
        async for node in run:
            if Agent.is_model_request_node(node):
                async with node.stream(run.ctx) as stream:
                    async for _ in stream:
                        pass
    assert run.result is not None
    assert run.result.output == "Blue, and 42."
    assert results_in(upstream.requests[2].body) == ["42", "Ada likes blue", "42"]


@covers(PYDANTIC_AI, BY_MODEL, "whole", "structured output")
async def test_an_answer_has_the_form_that_the_agent_asks_for(speaking: Model, upstream: ScriptedUpstream):
    upstream.add(Turn(text='{"colour": "blue", "amount": 42}'))
    run = await helper(speaking, NativeOutput(Verdict)).run("Which colour, and how much?")
    assert run.output == Verdict(colour="blue", amount=42)
    assert '"amount"' in upstream.requests[0].raw.decode()


@covers(PYDANTIC_AI, BY_MODEL, "errors")
async def test_a_providers_refusal_reaches_the_agent_with_its_status(speaking: Model, upstream: ScriptedUpstream):
    upstream.add(Turn(status=429, headers={"x-should-retry": "false"}))
    with pytest.raises(ModelHTTPError) as caught:
        await helper(speaking).run("Hello")
    assert (caught.value.status_code, "script says 429" in str(caught.value)) == (429, True)
