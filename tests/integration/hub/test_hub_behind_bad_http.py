"""Servers over HTTP whose answers are refusals, doubles, halves and without end, or are another call's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.hub import HttpServerSpec, Hub, HubSettings
from tests.integration.hub.servers.over_http import bound_socket, sdk_server
from tests.integration.hub.servers.over_sse import sse_server
from tests.integration.hub.spoiling_relay import HARMFUL, HARMLESS, Spoiler, spoiled
from tests.integration.hub.storms import storm
from tests.support.conditions import eventually
from tests.support.leftovers import nothing_left

SETTINGS = HubSettings(
    probe_head_start=1.0, first_backoff=0.02, longest_backoff=0.1, connect_timeout=3.0, calls_in_flight=200
)
every_way = pytest.mark.parametrize("way", ["modern", "legacy", "sse"])


def spec(name: str, port: int, way: str) -> HttpServerSpec:
    transport = "sse" if way == "sse" else "http"
    return HttpServerSpec(name, f"http://127.0.0.1:{port}/{'sse' if way == 'sse' else 'mcp'}", transport=transport)


@asynccontextmanager
async def behind(way: str, *, seed: int = 1) -> AsyncGenerator[tuple[Hub, Spoiler]]:
    """A hub with a server behind a relay, and the same server beside it as another that is innocent."""
    with bound_socket() as listener:
        serving = sse_server(listener) if way == "sse" else sdk_server(listener, era=way)
        port = listener.getsockname()[1]
        async with nothing_left(), serving, spoiled(port, seed=seed) as relay:
            specs = [spec("spoiled", relay.port, way), spec("innocent", port, way)]
            async with Hub(specs, None, settings=SETTINGS) as hub:
                await hub.settled()
                yield hub, relay


@every_way
async def test_what_can_be_read_in_spite_of_all_costs_no_call(way: str):
    async with behind(way) as (hub, relay):
        relay.faults = HARMLESS
        assert not (await storm(hub, "spoiled", "innocent", timeout=50)).reasons
        assert all(relay.done[fault] for fault in HARMLESS), relay.done
        assert all(status.error is None for status in hub.statuses()), "no connection was lost"


@every_way
async def test_every_call_ends_with_its_own_answer_or_a_reason(way: str):
    async with behind(way, seed=2) as (hub, relay):
        relay.faults = HARMLESS + HARMFUL
        outcome = await storm(hub, "spoiled", "innocent", calls=200, timeout=2)
        assert outcome.answered
        assert outcome.reasons
        assert len(relay.done) > len(relay.faults) / 2, relay.done
        relay.faults = ()
        with anyio.fail_after(60):
            while not (await storm(hub, "spoiled", "innocent", calls=4)).answered:
                await anyio.sleep(0.02)
        await eventually(lambda: {status.state for status in hub.statuses()} == {"ready"})
        assert not (await storm(hub, "spoiled", "innocent", timeout=50)).reasons
