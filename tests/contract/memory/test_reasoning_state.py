"""What a model thought comes back to it with its proof, whatever the client's dialect, and to no other model."""

from __future__ import annotations

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.providers.scripted.messages_wire import signature_of
from tests.contract.loop.asking import SUM
from tests.support.gateways import InProcess

from .asking import PLAIN, ChatClient, Client, MessagesClient, begins_like

CLIENTS = pytest.mark.parametrize("make", [ChatClient, MessagesClient])
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
QUESTION = Call("ask_user", {"question": "Which?"})
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}


async def ask_and_answer(client: Client, text: str) -> str:
    client.more["tools"] = [client.tool]
    await client.say(text)
    (call,) = client.calls()
    client.give(call, "blue")
    return await client.go_on()


@CLIENTS
@STREAMED
@pytest.mark.parametrize("secret", [None, PLAIN], ids=["with tools", "without tools"])
async def test_thoughts_before_a_call_of_the_clients_come_back_with_their_proof(
    gateway: InProcess, upstream: ScriptedUpstream, make: type[Client], stream: bool, secret: str | None
):
    upstream.add(Turn(reasoning="Hm.", calls=(QUESTION,)), Turn(text="Blue."))
    client = make(gateway, "claude", stream=stream, **({"secret": secret} if secret else {}))
    assert await ask_and_answer(client, "choose") == "Blue."
    _, answer, result = upstream.requests[1].body["messages"]
    assert [block["type"] for block in answer["content"]] == ["thinking", "tool_use"]
    assert answer["content"][0] == THOUGHT
    assert result["content"][0]["type"] == "tool_result"
    assert begins_like(upstream, 1, 0)


@STREAMED
async def test_what_chat_models_thought_comes_back_under_the_name_it_had(
    gateway: InProcess, upstream: ScriptedUpstream, stream: bool
):
    """Some of them refuse calls whose thoughts are missing, and the client of the test sends none back."""
    upstream.add(Turn(reasoning="Hm.", calls=(QUESTION,)), Turn(text="Blue."))
    client = ChatClient(gateway, "tiny", stream=stream)
    await ask_and_answer(client, "choose well")
    assert "reasoning_content" not in client.history[1]
    assert upstream.requests[1].body["messages"][1]["reasoning_content"] == "Hm."


@CLIENTS
@STREAMED
@pytest.mark.parametrize(("alias", "expected"), [("claude-or-claude", True), ("claude-or-kimi", False)])
async def test_a_fallback_within_the_family_gets_the_proofs_and_another_model_gets_none(
    gateway: InProcess,
    upstream: ScriptedUpstream,
    make: type[Client],
    stream: bool,
    alias: str,
    expected: bool,
):
    failing = Turn(status=529, body=b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}')
    upstream.add(Turn(reasoning="Hm.", text="Well.", calls=(QUESTION,)), failing, Turn(text="Blue."))
    client = make(gateway, alias, stream=stream, thinking={"type": "enabled", "budget_tokens": 1024})
    if make is ChatClient:
        client.more.pop("thinking")
    assert await ask_and_answer(client, f"choose from {alias}") == "Blue."
    refused, taken = upstream.requests[1:]
    assert refused.body["messages"][1]["content"][0] == THOUGHT
    kinds = [block["type"] for block in taken.body["messages"][1]["content"]]
    assert kinds == (["thinking", "text", "tool_use"] if expected else ["text", "tool_use"])
    assert (signature_of("Hm.").encode() in taken.raw) is expected


@CLIENTS
async def test_a_fallback_in_the_middle_of_our_own_loop_gets_no_foreign_proofs(
    gateway: InProcess, upstream: ScriptedUpstream, make: type[Client]
):
    failing = Turn(status=529, body=b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}')
    upstream.add(
        Turn(reasoning="Hm.", calls=(SUM,)), failing, Turn(reasoning="So it is.", text="42."), Turn(text="Yes.")
    )
    client = make(gateway, "claude-or-kimi", stream=True)
    assert await client.say("how much is it?") == "42."
    assert signature_of("Hm.").encode() in upstream.requests[1].raw
    assert signature_of("Hm.").encode() not in upstream.requests[2].raw
    await client.say("sure?")
    sent = upstream.requests[3].raw
    assert signature_of("Hm.").encode() in sent
    assert signature_of("So it is.").encode() not in sent
