"""Anthropic Messages at hosts that are not Anthropic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.dialects.anthropic_messages import ANTHROPIC_BEDROCK, ANTHROPIC_MESSAGES, ANTHROPIC_VERTEX
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.providers.endpoints import ENDPOINTS

THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "EqQB/+=="}
BODY: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 5,
    "stream": True,
    "new_field": {"a": 1},
    "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "yes"}]},
        {"role": "user", "content": "go on"},
    ],
}
BETAS = {"anthropic-beta": "one-2026, two-2026"}


def test_vertex_takes_the_body_with_the_model_in_the_url():
    request = ANTHROPIC_MESSAGES.read_request(BODY)
    written = ANTHROPIC_VERTEX.write_request(replace(request, headers=BETAS), model="claude-opus-9@20260101")
    kept = {name: value for name, value in BODY.items() if name != "model"}
    assert written == {**kept, "anthropic_version": "vertex-2023-10-16"}
    assert BODY["model"] == "claude"


def test_bedrock_takes_no_stream_and_the_betas_in_the_body():
    request = ANTHROPIC_MESSAGES.read_request(BODY)
    written = ANTHROPIC_BEDROCK.write_request(replace(request, headers=BETAS), model="m")
    kept = {name: value for name, value in BODY.items() if name not in ("model", "stream")}
    told = {"anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["one-2026", "two-2026"]}
    assert written == {**kept, **told}
    assert ANTHROPIC_BEDROCK.traits.request_headers == ()


@pytest.mark.parametrize("codec", [ANTHROPIC_VERTEX, ANTHROPIC_BEDROCK])
def test_requests_of_other_dialects_reach_them_too(codec: Any):
    request = OPENAI_CHAT.read_request({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    written = codec.write_request(request, model="claude")
    assert "model" not in written
    assert written["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    assert not codec.traits.names_model


def test_the_model_stands_in_the_url():
    endpoint = ENDPOINTS["anthropic_vertex"]
    assert (
        endpoint.path_for("claude-opus-9@20260101", stream=False) == "/models/claude-opus-9%4020260101:rawPredict"
    )
    assert endpoint.path_for("m", stream=True) == "/models/m:streamRawPredict"
