"""Claude Code works through the gateway, with its own tools and with ours, whatever the model behind it speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.messages_wire import signature_of
from tests.contract.messages.asking import results_in
from tests.support.covering import CHAT, CLAUDE_CODE, MESSAGES, Names, covers
from tests.support.gateways import InProcess

from .conftest import WITHOUT_TOOLS
from .installed import Programs
from .recording import Recorder
from .running import claude_code

pytestmark = pytest.mark.npm

CLAUDE = "claude-opus-5-5"
BASH = Call("Bash", {"command": "echo said-$((40 + 2))", "description": "Say something"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
PROVIDER = {CLAUDE: MESSAGES, "claude-elsewhere": CHAT}
BOTH = pytest.mark.parametrize("model", list(PROVIDER))


def proves(*features: str, provider: Names = PROVIDER) -> pytest.MarkDecorator:
    return covers(CLAUDE_CODE, provider, *features)


def without_ours(body: dict[str, Any]) -> dict[str, Any]:
    """A request to the model as if the gateway had added nothing, its model's name aside."""
    tools = [tool for tool in body["tools"] if not tool["name"].startswith("demo__")]
    return {**body, "tools": tools, "model": CLAUDE}


@proves("streamed", "own tools", "reasoning", provider=MESSAGES)
async def test_a_claude_gets_byte_for_byte_what_claude_code_sent_but_for_the_models_name(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, messages: Recorder, tmp_path: Path
):
    upstream.add(Turn(reasoning="A command will do.", text="I run it.", calls=(BASH,)), Turn(text="All is well."))
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=CLAUDE, secret=WITHOUT_TOOLS)
    assert (done.code, done.report["result"], done.report["num_turns"]) == (0, "All is well.", 2)
    assert [one.status for one in messages.seen] == [200, 200]
    for sent, received in zip(messages.seen, upstream.requests, strict=True):
        assert sent.raw.count(b'"the-real-claude"') == 0
        assert received.raw == sent.raw.replace(f'"{CLAUDE}"'.encode(), b'"the-real-claude"', 1)
        assert received.headers["anthropic-beta"] == sent.headers["anthropic-beta"]
        assert received.headers["x-api-key"] == "the-operators-own"
    assert results_in(upstream.requests[1].body) == ["said-42"]
    (answer,) = [one for one in upstream.requests[1].body["messages"] if one["role"] == "assistant"]
    (thought,) = [block for block in answer["content"] if block["type"] == "thinking"]
    assert (thought["thinking"], thought["signature"]) == (
        "A command will do.",
        signature_of("A command will do."),
    )


@proves("streamed", "gateway tools", provider=MESSAGES)
async def test_our_tools_are_all_that_a_claude_gets_beside_what_claude_code_sent(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, messages: Recorder, tmp_path: Path
):
    upstream.add(Turn(text="Let me see.", calls=(SUM,)), Turn(text="It is 42."))
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=CLAUDE)
    assert (done.code, done.report["num_turns"]) == (0, 1)
    assert done.report["result"].endswith("It is 42.")
    (sent,) = messages.seen
    first, second = (request.body for request in upstream.requests)
    assert without_ours(dict(first)) == sent.body
    assert {"demo__calculate"} <= {tool["name"] for tool in first["tools"]}
    assert without_ours({**second, "messages": second["messages"][: len(sent.body["messages"])]}) == sent.body
    assert results_in(second) == ["42"]
    assert b"demo__calculate" not in sent.answered


@proves("streamed", "own tools", "gateway tools", "mixed turn")
@BOTH
async def test_a_turn_may_call_its_tools_and_ours_at_once(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    model: str,
):
    upstream.add(Turn(text="Both.", calls=(SUM, BASH)), Turn(text="Done."))
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model)
    assert (done.code, done.report["result"]) == (0, "Done.")
    assert sorted(results_in(upstream.requests[1].body)) == ["42", "said-42"]
    assert all(b"demo__calculate" not in one.raw + one.answered for one in messages.seen)


@proves("streamed", "own tools", "gateway tools", "reasoning", provider=CHAT)
async def test_a_model_of_openais_dialect_works_as_well(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    upstream.add(
        Turn(text="First mine.", reasoning="Mine first.", calls=(BASH,)),
        Turn(text="Now yours.", calls=(SUM,)),
        Turn(text="Done."),
    )
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model="claude-elsewhere")
    assert (done.code, done.report["num_turns"]) == (0, 2)
    assert done.report["result"].endswith("Done.")
    _, second, third = (request.body for request in upstream.requests)
    assert second["model"] == "the-real-chat"
    assert (results_in(second), results_in(third)) == (["said-42"], ["said-42", "42"])
    (answer,) = [message for message in second["messages"] if message["role"] == "assistant"]
    assert answer["reasoning_content"] == "Mine first."
    tools = {tool["function"]["name"]: tool["function"] for tool in second["tools"]}
    assert tools["Bash"]["parameters"]["required"] == ["command"]
