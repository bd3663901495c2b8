"""What single models of Anthropic's take, and requests of other dialects that ask for more."""

from __future__ import annotations

import datetime
from importlib import resources
from typing import Any

import orjson
import pytest

from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.anthropic_messages.models import MODELS, ModelFacts, facts_of
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.errors import InvalidRequest

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def across(model: str, **fields: Any) -> dict[str, Any]:
    chat = {"model": "gpt", "messages": [{"role": "user", "content": "hi"}], **fields}
    return ANTHROPIC_MESSAGES.write_request(OPENAI_CHAT.read_request(chat), model=model)


def test_the_data_says_where_it_is_from():
    text = resources.files("gateway.dialects.anthropic_messages").joinpath("models.json").read_bytes()
    data = orjson.loads(text)
    assert data["source"]
    datetime.date.fromisoformat(data["date"])
    assert all(name.startswith("claude-") and not facts.most_tokens % 32 for name, facts in MODELS.items())


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-opus-5", "claude-opus-5"),
        ("claude-opus-5-20260901", "claude-opus-5"),
        ("anthropic/claude-opus-4.7", "claude-opus-4-7"),
        ("us.anthropic.claude-opus-4-7-v1:0", "claude-opus-4-7"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-3-5-haiku-latest", "claude-3-5"),
        ("Claude-Fable-5-1", "claude-fable-5-1"),
    ],
)
def test_a_model_is_known_under_whatever_name_a_host_has_it(model: str, row: str):
    assert facts_of(model) == MODELS[row]


@pytest.mark.parametrize("model", ["claude-opus-9", "claude-opus-50", "my-model", "claude", ""])
def test_of_a_model_that_nobody_knows_everything_is_believed(model: str):
    assert facts_of(model) == ModelFacts()


def test_the_limit_is_what_the_model_can_write():
    limits = [across(model)["max_tokens"] for model in ("claude-3-opus", "claude-opus-9", "claude-opus-5")]
    assert limits == [4096, 32_000, 128_000]
    assert across("claude-opus-5", max_tokens=7)["max_tokens"] == 7


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_a_model_without_settings_of_chance_is_given_none(name: str):
    with pytest.raises(InvalidRequest, match=f"{name}.*leave it out") as refused:
        across("claude-opus-4-7", **{name: 0.5})
    assert (refused.value.param, refused.value.code) == (name, "not_translatable")
    assert across("claude-opus-4-6", **{name: 0.5})[name] == 0.5


def test_settings_that_ask_for_nothing_are_no_reason_to_refuse():
    assert across("claude-opus-5", temperature=1, top_p=1.0).keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_a_call_is_not_forced_from_a_model_that_refuses_that(choice: Any):
    with pytest.raises(InvalidRequest, match=r"tool_choice.*use auto"):
        across("claude-sonnet-5-5", tools=[TOOL], tool_choice=choice)
    assert across("claude-sonnet-5", tools=[TOOL], tool_choice=choice)["tool_choice"]["type"] in ("any", "tool")
    assert across("claude-sonnet-5-5", tools=[TOOL], tool_choice="auto")["tool_choice"] == {"type": "auto"}


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "said"),
    [
        ("claude-opus-4-6", "high", {"type": "adaptive"}, "high"),
        ("claude-opus-4-5", "high", None, "high"),
        ("claude-opus-5", "xhigh", None, "xhigh"),
        ("claude-opus-5", "minimal", None, "low"),
        ("claude-opus-5", "none", {"type": "disabled"}, None),
        ("claude-sonnet-5-5", "none", {"type": "between_tools"}, None),
        ("claude-sonnet-4-5", "none", None, None),
        ("claude-opus-9", "high", None, "high"),
    ],
)
def test_how_hard_to_think_is_said_in_the_models_own_way(
    model: str, effort: str, thinking: dict[str, str] | None, said: str | None
):
    written = across(model, reasoning_effort=effort)
    assert written.get("thinking") == thinking
    assert written.get("output_config") == (None if said is None else {"effort": said})


@pytest.mark.parametrize(
    ("model", "effort", "advice"),
    [
        ("claude-opus-5-5", "none", "use low"),
        ("claude-opus-4-5", "max", "use low, medium, high"),
        ("claude-sonnet-4-6", "xhigh", "use low, medium, high, max"),
        ("claude-3-5-sonnet", "low", "leave it out"),
    ],
)
def test_an_effort_that_a_model_does_not_know_is_refused_with_those_that_it_does(
    model: str, effort: str, advice: str
):
    with pytest.raises(InvalidRequest, match=advice) as refused:
        across(model, reasoning_effort=effort)
    assert refused.value.param == "reasoning_effort"


def test_what_a_client_of_anthropics_says_is_for_anthropic_to_judge():
    body = {
        "model": "x",
        "max_tokens": 9,
        "temperature": 0.5,
        "thinking": {"type": "disabled"},
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any"},
        "messages": [{"role": "user", "content": "hi"}],
    }
    written = ANTHROPIC_MESSAGES.write_request(ANTHROPIC_MESSAGES.read_request(body), model="claude-opus-5-5")
    assert written == {**body, "model": "claude-opus-5-5"}
