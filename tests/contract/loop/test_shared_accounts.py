"""All keys share the operator's account at a provider: what is kept there is nobody's but by policy."""

from __future__ import annotations

import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import SECRET, InProcess

PLAIN = "plain-secret-0123456789"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("secret", [PLAIN, SECRET])
async def test_what_the_operators_account_can_read_is_refused_before_anybody_is_asked(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str
):
    part = {"type": "image_url", "image_url": {"url": "gs://bucket-of-another/x.png"}}
    async with gateway.http(secret) as http:
        body = {"model": "tiny", "messages": [{"role": "user", "content": [part]}]}
        refused = await http.post("/v1/chat/completions", json=body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (403, "tool_denied", "messages[0]")
    assert "'files', kept at the provider" in error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "tools",
    [
        '"tools":[{"type":"web_search"}],"tools":[]',
        '"tools":[{"type":"web_search","type":"function","function":{"name":"f"}}]',
    ],
)
async def test_a_tool_behind_a_repeated_name_does_not_pass(
    gateway: InProcess, upstream: ScriptedUpstream, tools: str
):
    upstream.add(Turn(text="Hi."))
    body = '{"model":"tiny","messages":[{"role":"user","content":"hi"}],' + tools + "}"
    async with gateway.http(PLAIN) as http:
        answer = await http.post("/v1/chat/completions", content=body, headers=JSON)
    assert answer.status_code == 200
    assert b"web_search" not in upstream.requests[0].raw


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings"])
@pytest.mark.parametrize("fields", [{"web_search_options": {}}, {"plugins": [{"id": "web"}]}, {"models": ["x"]}])
async def test_calls_without_a_conversation_bring_no_tools_of_the_providers_either(
    gateway: InProcess, upstream: ScriptedUpstream, path: str, fields: dict[str, object]
):
    async with gateway.http(PLAIN) as http:
        refused = await http.post(path, json={"model": "tiny", "prompt": "x", "input": "x", **fields})
    assert refused.status_code in (400, 403), refused.text
    assert upstream.requests == []


async def test_what_an_items_author_leaves_out_is_looked_up_for_no_other_key(
    gateway: InProcess, upstream: ScriptedUpstream
):
    for item in (
        {"id": "msg_of_another", "role": "user"},
        {"type": "image_generation_call", "id": "ig_of_another"},
    ):
        async with gateway.http(PLAIN) as http:
            refused = await http.post("/v1/responses", json={"model": "tiny", "input": [item]})
        assert refused.status_code == 404
    assert upstream.requests == []


@pytest.mark.parametrize("kind", [["x"], {"type": "x"}, 5, [[]]])
@pytest.mark.parametrize("secret", [PLAIN, SECRET])
async def test_a_type_that_is_no_string_is_the_clients_fault(
    gateway: InProcess, upstream: ScriptedUpstream, secret: str, kind: object
):
    bodies: dict[str, dict[str, object]] = {
        "/v1/responses": {"input": [{"type": kind, "role": "user", "content": "x"}], "store": False},
        "/v1/chat/completions": {
            "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": kind, "function": {"name": "f"}}],
            "toolgate": {},
        },
    }
    async with gateway.http(secret) as http:
        for path, body in bodies.items():
            refused = await http.post(path, json={"model": "tiny", **body})
            assert refused.status_code == 400, refused.text
    assert upstream.requests == []
