"""A provider whose money is used up: each client is told in the way at which it stops, whoever says it how."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.covering import CHAT, CONVERSE, MESSAGES, OLLAMA, RESPONSES
from tests.support.gateways import InProcess

from .surfaces import SURFACES

OPENAIS = json.dumps({"error": {"message": "spent", "type": "insufficient_quota", "code": "insufficient_quota"}})
ANTHROPICS = json.dumps({"type": "error", "error": {"type": "billing_error", "message": "spent"}})
SAID: Mapping[str, tuple[str, Turn]] = {
    "OpenAI's 429": (CHAT, Turn(status=429, body=OPENAIS.encode())),
    "Anthropic's 402": (MESSAGES, Turn(status=402, body=ANTHROPICS.encode())),
    "Anthropic's 429": (MESSAGES, Turn(status=429, body=ANTHROPICS.encode(), headers={"retry-after": "1"})),
    "a plain 402": (OLLAMA, Turn(status=402, body=b'{"error": "spent"}')),
}


TRANSLATED = [
    (surface, said)
    for surface in (CHAT, RESPONSES, MESSAGES, CONVERSE)
    for said, (provider, _) in SAID.items()
    if provider != surface
]


@pytest.mark.parametrize(("surface", "said"), TRANSLATED)
async def test_of_money_that_is_used_up_each_client_is_told_so_that_it_stops(
    gateway: InProcess, upstream: ScriptedUpstream, surface: str, said: str
):
    provider, turn = SAID[said]
    upstream.add(turn)
    path, body = SURFACES[surface].request(provider)
    async with gateway.http() as client:
        answer = await client.post(path, json=body)
    assert SURFACES[surface].message_of(answer.json()) == "spent"
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    error = answer.json().get("error", {})
    if surface in (CHAT, RESPONSES):
        assert (answer.status_code, error["code"]) == (429, "insufficient_quota")
    else:
        assert (answer.status_code, error.get("type", "billing_error")) == (402, "billing_error")
