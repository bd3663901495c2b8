"""What a model thought, when another one goes on in the middle of a run: its proofs stay where they hold."""

from __future__ import annotations

import json

import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.contract.messages.asking import results_in
from tests.support.gateways import InProcess

from .clients import CLIENTS, Client
from .upstream import MESSAGES, Behaviour, Chaos, refuse, sse, stream, whole, whole_call

PROOF = "proof-of-the-first-model"
MESSAGES_CLIENTS = pytest.mark.parametrize(
    "client", [one for one in CLIENTS if one.own is MESSAGES], ids=lambda one: one.name
)


def thinks_and_calls(client: Client) -> Behaviour:
    """An answer of a model that thinks, proves it, and calls the calculator."""
    thought = {"type": "thinking", "thinking": "let me see", "signature": PROOF}
    if not client.is_stream:
        said = json.loads(whole_call(MESSAGES))
        return whole(json.dumps({**said, "content": [thought, *said["content"]]}).encode())
    deltas = (
        {"type": "thinking_delta", "thinking": "let me see"},
        {"type": "signature_delta", "signature": PROOF},
    )
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    thinks = [
        sse({"type": "content_block_start", "index": 0, "content_block": empty}, "content_block_start"),
        *(sse({"type": "content_block_delta", "index": 0, "delta": one}, "content_block_delta") for one in deltas),
        sse({"type": "content_block_stop", "index": 0}, "content_block_stop"),
    ]
    calls = [event.replace(b'"index": 0', b'"index": 1') for event in (*MESSAGES.call, *MESSAGES.call_end)]
    return stream(*MESSAGES.beginning, *thinks, *calls)


@MESSAGES_CLIENTS
@pytest.mark.parametrize("model", ["messages", "messages-other"], ids=["another dialect", "another family"])
async def test_proofs_do_not_go_to_another_family_and_none_are_made_up(
    gateway: InProcess, first: Chaos, second: ScriptedUpstream, client: Client, model: str
):
    first.will(thinks_and_calls(client), refuse(503))
    second.add(Turn(text="It is 42."))
    assert (await client.ask(gateway, model)).endswith("It is 42.")
    body = second.requests[0].body
    assert results_in(body) == ["42"]
    assert PROOF not in json.dumps(body)
    assert "signature" not in json.dumps(body)


@MESSAGES_CLIENTS
async def test_they_go_back_untouched_to_the_model_that_gave_them(
    gateway: InProcess, first: Chaos, client: Client
):
    end = (*MESSAGES.beginning, *MESSAGES.text, *MESSAGES.end)
    first.will(thinks_and_calls(client), stream(*end) if client.is_stream else whole(MESSAGES.answer))
    assert await client.ask(gateway, "messages") in ("from the first", "once upon ")
    (turn,) = [message for message in first.requests[1]["messages"] if message["role"] == "assistant"]
    assert turn["content"][0] == {"type": "thinking", "thinking": "let me see", "signature": PROOF}
