"""Rules, regions, keys, limits and breakers, as clients of both dialects meet them over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import anyio
import openai
import pytest
from anthropic import AsyncAnthropic

from gateway.config import load_config
from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, gateway_in_process, write_files

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PICTURE: list[Any] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "what is it?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        ],
    }
]


@pytest.fixture
async def one() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream().serve() as upstream:
        yield upstream


@pytest.fixture
async def two() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream().serve() as upstream:
        yield upstream


@pytest.fixture
async def opened(one: ScriptedUpstream, two: ScriptedUpstream, tmp_path: Path) -> AsyncGenerator[Any]:
    """Opens a gateway with two providers and these parts of a configuration."""
    async with AsyncExitStack() as stack:

        async def open_with(**parts: Any) -> InProcess:
            gateway = gateway_in_process(tmp_path, document(one, two, **parts), {})
            return await stack.enter_async_context(gateway)

        yield open_with


def document(one: ScriptedUpstream, two: ScriptedUpstream, **parts: Any) -> dict[str, Any]:
    providers = {"one": {"base_url": one.base_url}, "two": {"base_url": two.base_url}}
    for name, more in parts.pop("providers", {}).items():
        providers[name] |= more
    return {"providers": providers, "keys": {"agent": {"secret": SECRET}}, **parts}


async def ask(gateway: InProcess, model: str = "smart", secret: str = SECRET, **request: Any) -> str:
    async with gateway.client(secret) as client:
        answer = await client.chat.completions.create(**{"model": model, "messages": HELLO, **request})
    return answer.choices[0].message.content


async def ask_streaming(gateway: InProcess, model: str = "smart") -> str:
    async with gateway.client() as client:
        stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


DEPLOYMENTS = [
    {"provider": "one", "region": "us", "capabilities": ["tools", "streaming"], "tags": ["large"]},
    {"provider": "two", "region": "eu", "capabilities": ["tools", "vision"], "tags": ["inside"]},
]
KEYS = {
    "agent": {"secret": SECRET, "team": "research"},
    "bound": {"secret": OTHER_SECRET, "regions": ["eu"], "tags": ["confidential"]},
}
RULES = [
    {"name": "own-data", "tags": ["confidential"], "use": {"tags": ["inside"]}},
    {"name": "large", "at_least": "2k", "use": {"tags": ["large"]}},
]


async def test_requests_go_where_their_key_their_size_and_their_needs_lead(opened, one, two):
    gateway = await opened(models={"smart": {"deployments": DEPLOYMENTS, "rules": RULES}}, keys=KEYS)
    one.add(*[Turn(text="one")] * 3)
    two.add(*[Turn(text="two")] * 2)
    assert await ask(gateway) == "one"
    assert await ask(gateway, messages=PICTURE) == "two"
    assert await ask(gateway, secret=OTHER_SECRET) == "two"
    assert await ask(gateway, messages=[{"role": "user", "content": "x" * 3000}]) == "one"
    assert await ask_streaming(gateway) == "one"
    assert one.is_over
    assert two.is_over


async def test_where_nothing_is_left_the_client_learns_what_left_none_and_nobody_is_asked(opened, one, two):
    gateway = await opened(models={"smart": {"deployments": DEPLOYMENTS, "rules": RULES}}, keys=KEYS)
    large = [*PICTURE, {"role": "user", "content": "x" * 3000}]
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(gateway, messages=large)
    assert (caught.value.code, caught.value.param) == ("no_deployment", "model")
    assert "of those that the rule 'large' leaves, none has what the request needs (vision)" in str(caught.value)
    assert "bound" not in str(caught.value)
    picture = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content: list[Any] = [{"type": "image", "source": picture}, {"type": "text", "text": "x" * 3000}]
    async with AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as client:
        with pytest.raises(anthropic.BadRequestError, match="the rule 'large' leaves"):
            await client.messages.create(
                model="smart", max_tokens=9, messages=[{"role": "user", "content": content}]
            )
    assert one.requests == two.requests == []


async def test_a_bound_key_is_not_served_elsewhere_however_many_fail(opened, one, two):
    gateway = await opened(models={"smart": ["one", DEPLOYMENTS[1]]}, keys=KEYS)
    two.add(Turn(status=503))
    with pytest.raises(openai.InternalServerError):
        await ask(gateway, secret=OTHER_SECRET)
    assert one.requests == []


async def test_a_fallback_to_another_name_is_tried_when_all_have_failed(opened, one, two):
    models = {
        "smart": {"deployments": ["one"], "fallback": ["fast"]},
        "fast": {"provider": "two", "model": "tiny"},
    }
    gateway = await opened(models=models, keys={"agent": {"secret": SECRET, "models": ["smart"]}})
    one.add(Turn(status=500))
    two.add(Turn(text="from the other name"))
    assert await ask(gateway) == "from the other name"
    assert two.requests[0].body["model"] == "tiny"
    with pytest.raises(openai.NotFoundError):
        await ask(gateway, "fast")  # which this key may not ask for by itself


async def test_keys_of_a_provider_take_turns_when_one_is_limited(opened, one):
    keys = ["key-number-one", "key-number-two"]
    gateway = await opened(providers={"one": {"api_keys": keys}}, models={"smart": "one"})
    one.add(Turn(status=429, headers={"retry-after": "30"}), Turn(text="hi"), Turn(text="hi again"))
    assert await ask(gateway) == "hi"
    assert await ask(gateway) == "hi again"
    assert [request.headers["authorization"].split("-")[-1] for request in one.requests] == ["one", "two", "two"]


async def test_calls_beyond_a_providers_limit_go_elsewhere_or_are_refused(opened, one, two):
    limit = {"max_concurrency": 1, "queue": {"most": 0}}
    gateway = await opened(providers={"one": limit}, models={"smart": ["one", "two"], "alone": "one"})
    may_end = anyio.Event()
    one.add(Turn(text="slow", wait_for=may_end))
    two.add(Turn(text="from the other"))
    async with anyio.create_task_group() as group:
        group.start_soon(ask, gateway)
        await one.wait_for_requests(1)
        assert await ask(gateway) == "from the other"
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(gateway, "alone")
        assert (caught.value.status_code, caught.value.code) == (503, "upstream_busy")
        may_end.set()
    one.add(Turn(text="free again"))
    assert await ask(gateway, "alone") == "free again"


async def test_a_stream_holds_its_place_until_it_ends(opened, one):
    limit = {"max_concurrency": 1, "queue": {"most": 0}}
    gateway = await opened(providers={"one": limit}, models={"smart": "one"})
    may_go_on = anyio.Event()
    one.add(Turn(text="one two", stall_after=2, resume=may_go_on), Turn(text="free again"))
    async with anyio.create_task_group() as group:
        group.start_soon(ask_streaming, gateway)
        await one.wait_for_requests(1)
        with pytest.raises(openai.InternalServerError):
            await ask(gateway)
        may_go_on.set()
    assert await ask(gateway) == "free again"


BREAKER = {"retries": 0, "breaker": {"failures": 2, "seconds": 600}}


@pytest.mark.parametrize("dialect", ["chat", "messages"])
async def test_a_provider_that_keeps_failing_is_left_alone_and_clients_are_told_when_to_come_back(
    opened, one, dialect: str
):
    gateway = await opened(models={"smart": "one"}, routing=BREAKER)
    one.add(*[Turn(status=500)] * 2)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await ask(gateway)
    if dialect == "chat":
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(gateway)
    else:
        async with AsyncAnthropic(base_url=gateway.origin, api_key=SECRET, max_retries=0) as client:
            with pytest.raises(anthropic.APIStatusError) as caught:
                await client.messages.create(model="smart", max_tokens=9, messages=HELLO)
    assert caught.value.status_code == 503
    assert 590 < int(caught.value.response.headers["retry-after"]) <= 600
    assert len(one.requests) == 2
    async with gateway.http() as http:
        text = (await http.get("/metrics")).text
    assert 'toolgate_model_breakers{model="smart",provider="one",state="open"} 1.0' in text


async def test_what_breakers_know_outlives_a_reload(opened, one, two, tmp_path: Path):
    gateway = await opened(models={"smart": ["one", "two"]}, routing=BREAKER)
    one.add(*[Turn(status=500)] * 2)
    two.add(*[Turn(text="from the other")] * 3)
    for _ in range(2):
        assert await ask(gateway) == "from the other"
    changed = document(one, two, models={"smart": ["one", "two"], "more": "two"}, routing=BREAKER)
    await gateway.gateway.load(load_config(write_files(tmp_path, changed, {})))
    assert await ask(gateway) == "from the other"
    assert len(one.requests) == 2


@asynccontextmanager
async def at_once(count: int) -> AsyncGenerator[Any]:
    async with anyio.create_task_group() as group:
        yield lambda ask, *arguments: [group.start_soon(ask, *arguments) for _ in range(count)]


async def test_hedged_calls_ask_another_when_one_takes_long_and_stop_the_loser(opened, one, two):
    smart = {"deployments": ["one", "two"], "hedge": {"after": "50ms"}}
    gateway = await opened(models={"smart": smart})
    one.add(Turn(text="never", wait_for=anyio.Event()), Turn(text="never", wait_for=anyio.Event()))
    two.add(Turn(text="quick"), Turn(text="quick"))
    assert await ask(gateway) == "quick"
    assert await ask_streaming(gateway) == "quick"
    await one.wait_for_clients_left(2)


async def test_the_least_busy_is_asked(opened, one, two):
    gateway = await opened(models={"smart": {"deployments": ["one", "two"], "strategy": "least_busy"}})
    may_end = anyio.Event()
    for upstream in (one, two):
        upstream.add(*[Turn(text="x", wait_for=may_end)] * 3)
    async with at_once(6) as start:
        start(ask, gateway)
        await one.wait_for_requests(3)
        await two.wait_for_requests(3)
        may_end.set()


async def test_the_cheapest_is_asked_and_one_without_a_price_last(opened, one, two):
    deployments = [{"provider": "one"}, {"provider": "two", "price": {"input": 1, "output": 1}}]
    gateway = await opened(models={"smart": {"deployments": deployments, "strategy": "lowest_cost"}})
    two.add(Turn(text="cheap"))
    assert await ask(gateway) == "cheap"


async def test_the_quickest_of_late_is_asked(opened, one, two):
    smart = {"deployments": ["one", "two"], "strategy": "lowest_latency"}
    gateway = await opened(models={"smart": smart})
    conditions = gateway.shared.conditions
    now = anyio.current_time()
    conditions.of("one", "smart").whole.add(now, 5.0)
    conditions.of("two", "smart").whole.add(now, 0.001)
    two.add(Turn(text="quick"))
    assert await ask(gateway) == "quick"


async def test_a_request_that_the_first_cannot_be_told_goes_to_one_that_can(opened, one, two):
    providers = {"one": {"dialect": "anthropic_messages"}}
    gateway = await opened(providers=providers, models={"smart": ["one", "two"], "alone": "one"})
    two.add(Turn(text="with a bias"))
    assert await ask(gateway, logit_bias={"5": 1}) == "with a bias"
    with pytest.raises(openai.BadRequestError) as caught:
        await ask(gateway, "alone", logit_bias={"5": 1})
    assert caught.value.param == "logit_bias"
    assert one.requests == []
