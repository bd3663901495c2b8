"""Providers that speak several dialects: each request goes in its own, if it can."""

from __future__ import annotations

import json

import pytest

from gateway.conversation import Message, ModelRequest, Text
from gateway.providers import HttpClients, make_provider
from gateway.providers.scripted import ScriptedUpstream, Turn
from gateway.routing import Router, Target

CHAT, MESSAGES = "openai_chat", "anthropic_messages"
MODELS = {"both": [Target("both", "m")], "mixed": [Target("both", "m"), Target("chat", "m")]}


@pytest.fixture
async def upstream():
    async with ScriptedUpstream([Turn(text="hello")] * 4).serve() as upstream:
        yield upstream


@pytest.fixture
async def router(upstream):
    client = HttpClients()
    both = make_provider("both", base_url=upstream.base_url, dialects=[CHAT, MESSAGES])
    yield Router([both, make_provider("chat", base_url=upstream.base_url)], MODELS, client)
    await client.aclose()


async def test_bytes_of_either_dialect_pass_to_its_own_path(router, upstream):
    route = router.resolve("both", ["*"])
    for dialect, answers in ((CHAT, "choices"), (MESSAGES, "content")):
        assert route.speaks_only(dialect)
        body = b'{"model": "both", "messages": [], "max_tokens": 1}'
        async with router.forward(route, dialect, body, json.loads(body), {}) as answer:
            assert answers in json.loads(await answer.read())


async def test_a_route_speaks_what_all_its_deployments_speak(router):
    mixed = router.resolve("mixed", ["*"])
    assert mixed.speaks_only(CHAT)
    assert not mixed.speaks_only(MESSAGES)


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES, "another"])
async def test_a_conversation_is_written_in_the_dialect_that_it_came_in_or_else_in_the_first(
    router, upstream, dialect
):
    asked = ModelRequest("both", (Message("user", (Text("hi"),)),), dialect)
    answer = await router.caller(router.resolve("both", ["*"])).complete(asked)
    assert answer.message.text == "hello"
    assert answer.source.dialect == (dialect if dialect in (CHAT, MESSAGES) else CHAT)


async def test_tokens_are_counted_where_every_deployment_can_do_it_in_the_clients_dialect(router):
    body = b'{"model": "both"}'
    counts = [
        router.count_tokens(router.resolve(model, ["*"]), dialect, body, json.loads(body), {}) is not None
        for model, dialect in (("both", MESSAGES), ("both", CHAT), ("mixed", MESSAGES))
    ]
    assert counts == [True, False, False]
