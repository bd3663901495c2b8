"""Routes at work: fallback, forwarding, lists of models; every provider is a real server."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack

import anyio
import pytest

from gateway.conversation import Message, ModelRequest, ResponseAssembler, Text
from gateway.errors import UpstreamError, UpstreamProtocolError, UpstreamRefused, UpstreamUnreachable
from gateway.providers import HttpClients, Timeouts, make_provider
from gateway.providers.scripted import ScriptedUpstream, Turn
from gateway.routing import Calls, ModelInfo, Router, RoutingSettings, Target, listing

GONE = "http://127.0.0.1:9/v1"  # nobody listens on the discard port
BOTH = {"smart": [Target("one", "big-1"), Target("two", "big-2")]}
HELLO = Turn(text="hello there")


@pytest.fixture
async def client():
    client = HttpClients()
    yield client
    await client.aclose()


@pytest.fixture
async def one():
    async with ScriptedUpstream(models=("big-1", "small-1")).serve() as upstream:
        yield upstream


@pytest.fixture
async def two():
    async with ScriptedUpstream(models=("big-2",)).serve() as upstream:
        yield upstream


def provider(name, base_url, patience=10, **fields):
    timeouts = Timeouts(connect=60, first_byte=patience, idle=patience)
    return make_provider(name, base_url=base_url, timeouts=timeouts, **fields)


def router_of(client, one, two, models=BOTH, *, hurried=False):
    """`hurried` gives the first one a moment to answer, where it is silent for ever."""
    first = provider("one", one if isinstance(one, str) else one.base_url, 0.5 if hurried else 10)
    second = provider("two", two if isinstance(two, str) else two.base_url)
    return Router([first, second], models, client, calls=Calls(RoutingSettings(retries=0, breaker_failures=0)))


def request(*, stream=False):
    message = Message("user", (Text("hi"),))
    return ModelRequest("smart", (message,), "openai_chat", stream=stream, include_usage=stream)


async def whole(router):
    return (await router.caller(router.resolve("smart", ["*"])).complete(request())).message.text


async def streamed(router):
    assembler = ResponseAssembler()
    async with router.caller(router.resolve("smart", ["*"])).stream(request(stream=True)) as events:
        async for event in events:
            assembler.add(event)
    return assembler.response().message.text


async def forwarded(router):
    body = json.dumps({"model": "smart", "messages": []}).encode()
    async with router.forward(router.resolve("smart", ["*"]), "openai_chat", body, json.loads(body), {}) as answer:
        return json.loads(await answer.read())["choices"][0]["message"]["content"]


WAYS = pytest.mark.parametrize("ask", [whole, streamed, forwarded])
BAD_STARTS = {
    "refused for now": Turn(status=429),
    "broken": Turn(status=500),
    "overloaded": Turn(status=529),
    "silent": Turn(text="x", wait_for=anyio.Event()),
    "without our credentials": Turn(status=401),
    "without money": Turn(status=402),
    "without such a model": Turn(status=404),
}


@WAYS
async def test_the_first_deployment_answers_if_it_can(client, one, two, ask):
    one.add(HELLO)
    assert await ask(router_of(client, one, two)) == "hello there"
    assert one.requests[0].body["model"] == "big-1"
    assert two.requests == []


@WAYS
@pytest.mark.parametrize("turn", BAD_STARTS.values(), ids=BAD_STARTS)
async def test_the_next_deployment_answers_where_the_first_fails(client, one, two, ask, turn):
    one.add(turn)
    two.add(HELLO)
    assert await ask(router_of(client, one, two, hurried=turn.wait_for is not None)) == "hello there"
    assert len(one.requests) == 1
    assert two.requests[0].body["model"] == "big-2"


@WAYS
async def test_the_next_deployment_answers_where_nobody_is_at_the_first(client, two, ask):
    two.add(HELLO)
    assert await ask(router_of(client, GONE, two)) == "hello there"


@pytest.mark.parametrize("ask", [whole, streamed])
async def test_the_next_deployment_answers_where_the_first_talks_nonsense(client, one, two, ask):
    one.add(Turn(body=b"<html>", content_type="text/html"))
    two.add(HELLO)
    assert await ask(router_of(client, one, two)) == "hello there"


@WAYS
@pytest.mark.parametrize("status", [400, 413, 422])
async def test_what_is_wrong_with_the_request_is_told_at_once(client, one, two, ask, status):
    one.add(Turn(status=status, body=b'{"error": {"message": "as it  came"}}'))
    two.add(HELLO)
    with pytest.raises(UpstreamRefused) as caught:
        await ask(router_of(client, one, two))
    assert caught.value.answer.status == status
    assert caught.value.answer.body == b'{"error": {"message": "as it  came"}}'
    assert two.requests == []


@WAYS
async def test_the_last_failure_is_told_where_all_fail(client, one, ask):
    one.add(Turn(status=503))
    with pytest.raises(UpstreamUnreachable, match="the provider two failed"):
        await ask(router_of(client, one, GONE))
    one.add(Turn(status=503))
    with pytest.raises(UpstreamRefused, match="the provider two answered HTTP 503"):
        await ask(router_of(client, GONE, one))


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "malformed_after", "error_after", "stall_after"])
async def test_a_stream_that_said_nothing_yet_is_begun_elsewhere(client, one, two, fault):
    one.add(Turn(text="one two", **{fault: 1}))
    two.add(HELLO)
    assert await streamed(router_of(client, one, two, hurried=fault == "stall_after")) == "hello there"


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "malformed_after", "error_after", "stall_after"])
async def test_a_stream_that_said_something_is_never_begun_elsewhere(client, one, two, fault):
    one.add(Turn(text="one two", **{fault: 2}))
    two.add(HELLO)
    with pytest.raises(UpstreamError, match="one"):
        await streamed(router_of(client, one, two, hurried=fault == "stall_after"))
    assert two.requests == []


async def test_a_forwarded_body_that_breaks_before_it_is_whole_is_asked_for_elsewhere(client, one, two):
    one.add(Turn(text="one two", cut_after=2))
    two.add(HELLO)
    assert await forwarded(router_of(client, one, two)) == "hello there"


async def forwarded_stream(router):
    body = json.dumps({"model": "smart", "messages": [], "stream": True}).encode()
    async with router.forward(router.resolve("smart", ["*"]), "openai_chat", body, json.loads(body), {}) as answer:
        return b"".join([chunk async for chunk in answer.chunks()])


async def test_a_forwarded_stream_that_has_begun_is_not_asked_for_again(client, one, two):
    one.add(Turn(text="one two", cut_after=2))
    two.add(HELLO)
    with pytest.raises(UpstreamProtocolError):
        await forwarded_stream(router_of(client, one, two))
    assert two.requests == []


@pytest.mark.parametrize("fault", ["cut_after", "end_after", "error_after", "stall_after"])
async def test_a_forwarded_stream_of_which_nothing_came_is_begun_elsewhere(client, one, two, fault):
    one.add(Turn(text="one two", **{fault: 0}))
    two.add(HELLO)
    assert b"hello" in await forwarded_stream(router_of(client, one, two, hurried=fault == "stall_after"))


async def test_a_stream_that_failed_over_leaves_no_connection_behind(client, one, two):
    one.add(Turn(text="one two", stall_after=1))
    two.add(HELLO)
    await streamed(router_of(client, one, two, hurried=True))
    await one.wait_for_clients_left(1)


async def test_leaving_a_stream_stops_the_model(client, one, two):
    one.add(Turn(text="one two", stall_after=2))
    router = router_of(client, one, two)
    async with router.caller(router.resolve("smart", ["*"])).stream(request(stream=True)) as events:
        await anext(events)
    await one.wait_for_clients_left(1)


async def test_cancelling_a_call_stops_the_model(client, one, two):
    one.add(Turn(text="x", wait_for=anyio.Event()))
    async with anyio.create_task_group() as group:
        group.start_soon(whole, router_of(client, one, two))
        await one.wait_for_requests(1)
        group.cancel_scope.cancel()
    await one.wait_for_clients_left(1)
    assert two.requests == []


async def test_forwarding_changes_the_model_and_nothing_else(client, one, two):
    one.add(HELLO)
    router = router_of(client, one, two)
    body = b'{ "odd":1.0,"model" : "smart", "messages":[ ],"toolgate":{"x":1} }'
    headers = {"x-custom": "1", "authorization": "Bearer client"}
    async with router.forward(
        router.resolve("smart", ["*"]), "openai_chat", body, json.loads(body), headers
    ) as answer:
        assert answer.status == 200
        assert answer.provider.name == "one"
        assert b"hello there" in await answer.read()
    assert one.requests[0].raw.startswith(b'{ "odd":1.0,"model" : "big-1", "messages":[ ]')
    assert b"toolgate" not in one.requests[0].raw
    assert one.requests[0].headers["x-custom"] == "1"
    assert "authorization" not in one.requests[0].headers


async def test_a_dialect_that_nobody_knows_is_refused(client):
    with pytest.raises(ValueError, match="the provider one speaks 'latin'; known are: openai_chat"):
        Router([provider("one", GONE, dialects=["latin"])], {}, client)


# Lists of models.


async def names(router, allowed=("*",)):
    return [model.id for model in await router.list_models(allowed)]


async def test_names_of_the_map_are_listed_in_its_order_without_asking_anybody(client):
    models = {"z": [Target("two")], "a": [Target("one")]}
    listed = await router_of(client, GONE, GONE, models).list_models(["*"])
    assert [(model.id, model.owned_by) for model in listed] == [("z", "two"), ("a", "one")]
    assert all(isinstance(model, ModelInfo) and model.created > 1_700_000_000 for model in listed)


async def test_without_a_map_every_providers_models_are_listed(client, one, two):
    assert await names(router_of(client, one, two, {})) == ["one/big-1", "one/small-1", "two/big-2"]


async def test_what_is_listed_can_be_called(client, one, two):
    models = {
        "mine": [Target("two")],
        "one/*": [Target("one", "*")],
        "big-*": [Target("two")],
        "s*": [Target("one")],
    }
    router = router_of(client, one, two, models)
    listed = await names(router)
    assert listed == ["mine", "one/big-1", "one/small-1", "big-2", "small-1"]
    targets = [router.resolve(name, ["*"]).deployments[0] for name in listed]
    assert [(target.provider.name, target.model) for target in targets] == [
        ("two", "mine"),
        ("one", "big-1"),
        ("one", "small-1"),
        ("two", "big-2"),
        ("one", "small-1"),
    ]


async def test_a_key_sees_its_own_models_only(client, one, two):
    router = router_of(
        client, one, two, {"a": [Target("one")], "b": [Target("one")], "one/*": [Target("one", "*")]}
    )
    assert await names(router, ["b", "one/s*"]) == ["b", "one/small-1"]
    assert await names(router, []) == []


async def test_a_provider_that_cannot_be_asked_is_left_out(client, one):
    assert await names(router_of(client, one, GONE, {})) == ["one/big-1", "one/small-1"]


class Counting:
    """Counts what passes through clients."""

    def __init__(self, clients):
        self.clients = clients
        self.count = 0

    def of(self, network):
        self.count += 1
        return self.clients.of(network)


async def test_lists_are_remembered_and_asked_for_once_by_many(client, one, two):
    counting = Counting(client)
    router = router_of(counting, one, two, {})
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(names, router)
    await names(router)
    assert counting.count == 2


async def test_old_lists_serve_while_a_provider_fails(client, two, monkeypatch):
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(ScriptedUpstream(models=("big-1",)).serve())
        counting = Counting(client)
        router = router_of(counting, one, two, {})
        monkeypatch.setattr(listing, "FRESH", 0.0)
        assert await names(router) == ["one/big-1", "two/big-2"]
        await stack.aclose()
        assert await names(router) == ["one/big-1", "two/big-2"]
        asked = counting.count
        assert await names(router) == ["one/big-1", "two/big-2"]
    assert counting.count == asked + 1  # the one that failed is left alone for a while


async def test_a_provider_that_is_silent_holds_nobody_up(client, one, monkeypatch):
    never = anyio.Event()

    async def silent(peer):
        async with peer:
            await never.wait()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, silent)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        slow = make_provider("slow", base_url=f"http://127.0.0.1:{port}/v1")
        router = Router([provider("one", one.base_url), slow], {}, client)
        monkeypatch.setattr(listing, "DEADLINE", 2.0)
        with anyio.fail_after(60):
            assert await names(router) == ["one/big-1", "one/small-1"]
            await names(router)  # and the next one does not wait at all
        group.cancel_scope.cancel()
