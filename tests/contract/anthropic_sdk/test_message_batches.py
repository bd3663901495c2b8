"""Anthropic's batches, with the official SDK: judged before they are sent, and each key's own."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from gateway.providers.scripted.serving import serve_app
from tests.support.batch_host import FOREIGN_BATCHES, BatchHost
from tests.support.covering import ANTHROPIC_SDK, MESSAGES, covers
from tests.support.gateways import OTHER_SECRET, SECRET, InProcess, audited, gateway_in_process

PARAMS: dict[str, Any] = {"model": "smart", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
TOOL = {"name": "f", "input_schema": {"type": "object"}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def host() -> BatchHost:
    return BatchHost()


@pytest.fixture
async def gateway(host: BatchHost) -> AsyncGenerator[InProcess]:
    async with serve_app(host) as origin:
        base_url = f"{origin}/v1"
        claude = {"dialect": "anthropic_messages", "base_url": base_url}
        document: dict[str, Any] = {
            "providers": {
                "claude": {**claude, "headers": {"x-api-key": "the-operators-own"}},
                "gpt": {"dialect": "openai_chat", "base_url": base_url},
                "third": claude,
            },
            "models": {
                "smart": [{"provider": "gpt", "model": "gpt"}, {"provider": "claude", "model": "opus"}],
                "small": [{"provider": "third", "model": "x"}, {"provider": "claude", "model": "haiku"}],
                "apart": [{"provider": "third", "model": "x"}],
                "gpt": [{"provider": "gpt", "model": "gpt"}],
                "hidden": [{"provider": "claude", "model": "y"}],
            },
            "keys": {
                "one": {
                    "secret": SECRET,
                    "models": ["s*", "apart", "gpt"],
                    "passthrough": "batches",
                    "policies": ["kept"],
                },
                "two": {"secret": OTHER_SECRET, "passthrough": ["batches"]},
            },
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
            policies = {"kept": {"allow": ["provider/web_search", "provider/files"]}}
            async with gateway_in_process(Path(folder), document, policies) as running:
                yield running


def client(gateway: InProcess, secret: str = SECRET) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=gateway.origin, api_key=secret, max_retries=0)


def request(custom_id: str = "a", **more: Any) -> Any:
    return {"custom_id": custom_id, "params": {**PARAMS, **more}}


@covers(ANTHROPIC_SDK, MESSAGES, "batches")
async def test_a_key_makes_shows_lists_cancels_reads_and_deletes_batches(gateway: InProcess, host: BatchHost):
    async with client(gateway) as sdk:
        tools = [TOOL, {"type": "web_search_20250305", "name": "web_search"}]
        raw = await sdk.messages.batches.with_raw_response.create(
            requests=[request(tools=tools), request("b", model="small")], extra_headers={"anthropic-beta": "x"}
        )
        made = await raw.parse()
        assert host.headers[-1]["x-api-key"] == "the-operators-own"
        assert host.headers[-1]["anthropic-beta"] == "x"
        assert host.requests == [request(tools=tools, model="opus"), request("b", model="haiku")]
        second = await sdk.messages.batches.create(requests=[request()])
        listed = [one.id async for one in sdk.messages.batches.list(limit=1)]
        assert listed == [second.id, made.id]
        before = await sdk.messages.batches.list(before_id=made.id)
        assert [one.id for one in before.data] == [second.id]
        assert (await sdk.messages.batches.cancel(second.id)).processing_status == "canceling"
        host.end(made.id)
        assert (
            await sdk.messages.batches.retrieve(made.id)
        ).results_url == f"/v1/messages/batches/{made.id}/results"
        results = [one async for one in await sdk.messages.batches.results(made.id)]
        assert [one.result.type for one in results] == ["succeeded"]
        assert (await sdk.messages.batches.delete(made.id)).id == made.id
        assert [one.id async for one in sdk.messages.batches.list()] == [second.id]
        del host.batches[second.id]
        with pytest.raises(anthropic.NotFoundError, match="No such batch"):
            await sdk.messages.batches.delete(second.id)
        assert [one.id async for one in sdk.messages.batches.list()] == []
    run, _ = await audited(gateway.shared, raw.headers["x-toolgate-run-id"])
    assert (run.dialect, run.model, run.outcome) == ("batches/create", "small, smart", "ok")


def second(**more: Any) -> list[Any]:
    return [request(), request("b", **more)]


DOCUMENT = {"type": "document", "source": {"type": "file", "file_id": "file_1"}}
WHERE = "requests[1].params."
REFUSED: list[tuple[list[Any], int, str]] = [
    ([], 400, "requests must be"),
    ([request(), request()], 400, "requests[1].custom_id"),
    ([request(), {"custom_id": "b", "params": []}], 400, "requests[1].params must be"),
    ([request(), {**request("b"), "Params": {}}], 400, "requests[1].Params"),
    ([request(), []], 400, "requests[1].custom_id and params must stand"),
    (second(model="hidden"), 404, f"{WHERE}model"),
    (second(model="gpt"), 400, f"{WHERE}model: no provider that speaks"),
    (second(model="apart"), 400, f"{WHERE}model: no provider that speaks"),
    (second(MODEL="hidden"), 400, f"{WHERE}MODEL"),
    (second(tools=[TOOL, {"type": "web_fetch_20250910", "name": "web_fetch"}]), 403, f"{WHERE}tools[1]"),
    (second(tools=[{"type": "novel_20990101", "name": "x"}]), 400, f"{WHERE}tools[0]"),
    (second(mcp_servers=[{"type": "url", "url": "toolgate", "name": "x"}]), 400, f"{WHERE}mcp_servers[0]"),
    (second(container="c"), 403, f"{WHERE}container"),
    (second(toolgate={}), 400, f"{WHERE}toolgate"),
    (second(messages=[{"role": "user", "content": [DOCUMENT]}]), 404, f"{WHERE}file_id"),
]


@pytest.mark.parametrize(("requests", "status", "said"), REFUSED)
async def test_what_a_key_may_not_ask_is_refused_by_request_and_field(
    gateway: InProcess, host: BatchHost, requests: list[Any], status: int, said: str
):
    async with client(gateway) as sdk:
        with pytest.raises(anthropic.APIStatusError) as caught:
            await sdk.messages.batches.create(requests=requests)
    assert caught.value.status_code == status
    assert said in caught.value.message
    assert host.asked == []


async def test_a_batch_has_requests_alone(gateway: InProcess, host: BatchHost):
    async with client(gateway) as sdk:
        with pytest.raises(anthropic.BadRequestError, match="fallbacks: is not known"):
            await sdk.messages.batches.create(requests=[request()], extra_body={"fallbacks": ["hidden"]})
    assert host.asked == []


async def test_no_key_sees_what_is_anothers(gateway: InProcess, host: BatchHost):
    async with client(gateway) as one, client(gateway, OTHER_SECRET) as two:
        theirs = (await one.messages.batches.create(requests=[request()])).id
        host.end(theirs)
        asked, told = list(host.asked), set[str]()
        calls = two.messages.batches
        for batch_id in (theirs, FOREIGN_BATCHES[1], "msgbatch_never"):
            for ask in (calls.retrieve, calls.cancel, calls.delete, calls.results):
                with pytest.raises(anthropic.NotFoundError) as caught:
                    await ask(batch_id)
                told.add(caught.value.message.replace(caught.value.request_id or "?", ""))
        assert len(told) == 1
        assert [batch async for batch in calls.list()] == []
    assert host.asked == asked
    assert theirs in host.batches
