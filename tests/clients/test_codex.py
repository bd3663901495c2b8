"""Codex works through the gateway, with its own tools and with ours, whatever the model behind it speaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.contract.responses.asking import results_in
from tests.support.covering import CHAT, CODEX, MESSAGES, RESPONSES, Names, covers
from tests.support.gateways import InProcess

from .conftest import WITHOUT_TOOLS
from .installed import Programs
from .recording import Recorder
from .running import codex

pytestmark = pytest.mark.npm

GPT = "gpt-5.4"
SHELL = Call("exec_command", {"cmd": "echo said-$((40 + 2))"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
FINE = Turn(text="All is well.")
PROVIDER = {GPT: RESPONSES, "gpt-elsewhere": CHAT, "gpt-anthropic": MESSAGES}
ALL = pytest.mark.parametrize("model", list(PROVIDER))
BOTH = pytest.mark.parametrize("model", [GPT, "gpt-elsewhere"])


def proves(*features: str, provider: Names = PROVIDER) -> pytest.MarkDecorator:
    return covers(CODEX, provider, *features)


@proves("streamed", "own tools", "reasoning", provider=RESPONSES)
async def test_a_model_of_responses_gets_byte_for_byte_what_codex_sent_but_for_the_models_name(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    upstream.add(Turn(reasoning="A command will do.", text="I run it.", calls=(SHELL,)), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=GPT, secret=WITHOUT_TOOLS)
    assert (done.code, done.said) == (0, ["I run it.", "All is well."])
    for sent, received in zip(responses.seen, upstream.requests, strict=True):
        assert sent.status == 200
        assert received.raw == sent.raw.replace(f'"{GPT}"'.encode(), b'"the-real-gpt"', 1)
    (result,) = results_in(upstream.requests[1].body)
    assert "said-42" in result
    (thought,) = [item for item in upstream.requests[1].body["input"] if item["type"] == "reasoning"]
    assert thought["encrypted_content"]


@proves("streamed", "gateway tools", provider=RESPONSES)
async def test_our_tools_are_all_that_the_model_gets_beside_what_codex_sent(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    upstream.add(Turn(calls=(SUM,)), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=GPT)
    assert (done.code, done.said) == (0, ["All is well."])
    (sent,) = responses.seen
    first, second = (request.body for request in upstream.requests)
    theirs = [tool for tool in first["tools"] if not tool.get("name", "").startswith("demo__")]
    assert len(theirs) < len(first["tools"])
    assert {**first, "tools": theirs, "model": GPT} == sent.body
    assert results_in(second) == ["42"]
    assert b"demo__calculate" not in sent.answered


@proves("streamed", "own tools", "gateway tools", "mixed turn")
@ALL
async def test_a_turn_may_call_its_tools_and_ours_at_once(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    responses: Recorder,
    tmp_path: Path,
    model: str,
):
    upstream.add(Turn(text="Both.", calls=(SUM, SHELL)), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=model)
    assert (done.code, done.said) == (0, ["Both.", "All is well."])
    results = " ".join(results_in(upstream.requests[1].body))
    assert "said-42" in results
    assert "42" in results.split()
    assert all(b"demo__calculate" not in one.raw + one.answered for one in responses.seen)


@proves("streamed", "own tools", "reasoning", provider=CHAT)
async def test_a_model_of_chat_completions_works_as_well(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    upstream.add(Turn(reasoning="Mine first.", text="I run it.", calls=(SHELL,)), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model="gpt-elsewhere", secret=WITHOUT_TOOLS)
    assert (done.code, done.said) == (0, ["I run it.", "All is well."])
    second = upstream.requests[1].body
    assert second["model"] == "the-real-chat"
    (answer,) = [message for message in second["messages"] if message["role"] == "assistant"]
    assert answer["reasoning_content"] == "Mine first."
    assert "exec_command" in {tool["function"]["name"] for tool in second["tools"]}


@proves("streamed", provider=RESPONSES)
async def test_as_a_provider_of_its_own_it_is_told_at_once_that_there_are_no_web_sockets(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    upstream.add(FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=GPT, secret=WITHOUT_TOOLS, built_in=True)
    assert (done.code, done.said) == (0, ["All is well."])
    assert [(one.method, one.status) for one in responses.seen] == [("GET", 426), ("POST", 200)]


@proves("errors")
@BOTH
@pytest.mark.parametrize(
    "fault",
    [
        Turn(status=429, headers={"retry-after": "1"}),
        Turn(status=529),
        Turn(text="one two three four", cut_after=4),
        Turn(text="one two three four", end_after=4),
    ],
    ids=["429", "529", "cut", "ended early"],
)
async def test_it_connects_again(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    responses: Recorder,
    tmp_path: Path,
    model: str,
    fault: Turn,
):
    upstream.add(fault, FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert (done.code, done.said[-1]) == (0, "All is well.")
    assert [one.status for one in responses.seen] == [fault.status, 200]


@proves("errors", provider=RESPONSES)
async def test_at_402_in_its_own_form_it_connects_again(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    upstream.add(Turn(status=402), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model=GPT, secret=WITHOUT_TOOLS)
    assert (done.code, done.said[-1]) == (0, "All is well.")
    assert [one.status for one in responses.seen] == [402, 200]


@proves("errors", provider=CHAT)
async def test_402_of_a_provider_of_another_form_is_told_in_the_words_at_which_it_stops(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    upstream.add(Turn(status=402))
    done = await codex(programs.codex, gateway.origin, tmp_path, model="gpt-elsewhere", secret=WITHOUT_TOOLS)
    assert done.errors == ["Quota exceeded. Check your plan and billing details."]
    assert [one.status for one in responses.seen] == [429]


@proves("errors", provider=CHAT)
async def test_a_fault_that_is_told_in_the_stream_makes_it_connect_again(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    upstream.add(Turn(text="one two three four", error_after=4), FINE)
    done = await codex(programs.codex, gateway.origin, tmp_path, model="gpt-elsewhere", secret=WITHOUT_TOOLS)
    assert (done.code, done.said[-1]) == (0, "All is well.")
    assert "the script says error" in done.stdout


@proves("errors")
@BOTH
async def test_it_stops_at_once_when_there_is_no_quota_and_says_so_in_its_own_words(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path, model: str
):
    spent = b'{"error": {"message": "spent", "type": "insufficient_quota", "code": "insufficient_quota"}}'
    upstream.add(Turn(status=429, body=spent))
    done = await codex(programs.codex, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert done.code == 1
    assert done.errors == ["Quota exceeded. Check your plan and billing details."]


@proves("errors", provider=RESPONSES)
async def test_a_model_that_the_key_may_not_use_stops_it_and_it_prints_our_words(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, responses: Recorder, tmp_path: Path
):
    done = await codex(programs.codex, gateway.origin, tmp_path, model="no-such-model")
    assert (done.code, [one.status for one in responses.seen]) == (1, [404])
    (error,) = done.errors
    assert error.startswith("model: 'no-such-model' does not exist, or this key may not use it")
    assert upstream.requests == []
