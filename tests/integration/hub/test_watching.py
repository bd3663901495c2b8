"""Watched resources of servers of the official SDK, over both transports and in both eras."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from gateway.errors import ToolServerDown, ToolServerFault
from gateway.hub import HttpServerSpec, Hub, HubSettings, StdioServerSpec
from tests.integration.hub.plain_launcher import PlainLauncher, offering, scripted
from tests.integration.hub.servers.offering import NOTE, Offering, build_offering
from tests.integration.hub.servers.over_http import Seen, bound_socket, sdk_server, url_of
from tests.support.conditions import eventually

SETTINGS = HubSettings(probe_head_start=3.0, first_backoff=0.02, connect_timeout=20.0)


@asynccontextmanager
async def hub_over_http(era: str) -> AsyncGenerator[tuple[Hub, Offering, Seen]]:
    offer = Offering()
    with anyio.fail_after(60), bound_socket() as listener:
        async with (
            sdk_server(listener, era=era, build=lambda: build_offering(offer)) as seen,
            Hub([HttpServerSpec("offering", url_of(listener))], None, settings=SETTINGS) as hub,
        ):
            await hub.settled()
            if era == "legacy":  # before that, notifications get lost
                await eventually(lambda: any(method == "GET" for method, _ in seen.requests))
            yield hub, offer, seen


def watch(hub: Hub, told: list[str], uri: str = NOTE, server: str = "offering"):
    return hub.watch(server, uri, lambda: told.append(uri), owner="key", timeout=10)


async def touch(hub: Hub, uri: str = NOTE) -> None:
    await hub.call("offering", "touch", {"uri": uri}, owner="key", timeout=10)


def listening(seen: Seen) -> int:
    return sum(headers.get("mcp-method") == "subscriptions/listen" for _, headers in seen.requests)


async def test_an_older_server_over_http_is_subscribed_to_once_and_let_go_of_in_the_end():
    async with hub_over_http("legacy") as (hub, offer, _):
        first: list[str] = []
        second: list[str] = []
        one, two = await watch(hub, first), await watch(hub, second)
        assert offer.subscribed == [NOTE]
        await touch(hub)
        await eventually(lambda: first == second == [NOTE])
        one.close()
        one.close()
        await touch(hub)
        await eventually(lambda: second == [NOTE, NOTE])
        assert first == [NOTE]
        two.close()
        await eventually(lambda: offer.subscribed == [])


async def test_a_modern_server_over_http_has_one_stream_for_all_that_is_watched():
    async with hub_over_http("modern") as (hub, _, seen):
        told: list[str] = []
        await eventually(lambda: listening(seen) == 1)  # for the lists
        one, two = await watch(hub, told), await watch(hub, told)
        assert listening(seen) == 2
        three = await watch(hub, told, "note://three")
        await touch(hub, "note://three")
        await eventually(lambda: told == ["note://three"])
        for watched in (one, two, three):
            watched.close()
        await touch(hub)
        assert told == ["note://three"]


async def test_over_stdio_a_process_that_dies_is_subscribed_to_again():
    launcher, told = PlainLauncher(), []
    with anyio.fail_after(60):
        async with Hub([offering()], launcher, settings=SETTINGS) as hub:
            await hub.settled()
            watched = await watch(hub, told)
            await touch(hub)
            await eventually(lambda: told == [NOTE])
            launcher.started[-1][0].kill()
            await eventually(lambda: told == [NOTE, NOTE])
            await touch(hub)
            await eventually(lambda: told == [NOTE, NOTE, NOTE])
            watched.close()


def with_workspace() -> StdioServerSpec:
    spec = offering()
    return replace(spec, server=replace(spec.server, workspace="/workspace"))


async def test_an_instance_runs_for_as_long_as_it_is_watched_and_leaves_room_for_calls():
    settings = replace(SETTINGS, instance_idle=0.05, instances_per_server=2)
    told: list[str] = []
    with anyio.fail_after(60):
        async with Hub([with_workspace()], PlainLauncher(), settings=settings) as hub:
            await hub.settled()
            watched = await hub.watch("offering", NOTE, lambda: told.append(NOTE), owner="one", timeout=20)
            with pytest.raises(ToolServerDown, match="watched"):
                await hub.watch("offering", NOTE, lambda: None, owner="two", timeout=20)
            again = await hub.watch("offering", "note://two", lambda: None, owner="one", timeout=20)
            again.close()
            await hub.call("offering", "touch", {"uri": NOTE}, owner="two", timeout=20)
            await eventually(lambda: hub.statuses()[0].instances == 1)  # that of two was idle
            await hub.call("offering", "touch", {"uri": NOTE}, owner="one", timeout=20)
            await eventually(lambda: told == [NOTE])
            watched.close()
            await eventually(lambda: hub.statuses()[0].instances == 0)


async def test_a_server_that_tells_of_no_updates_and_one_that_is_down_are_told_apart():
    with anyio.fail_after(60):
        async with Hub([scripted()], PlainLauncher(), settings=SETTINGS) as hub:
            await hub.settled()
            with pytest.raises(ToolServerFault, match="tells nobody"):
                await watch(hub, [], server="scripted")
            with pytest.raises(ToolServerDown):
                await watch(hub, [], server="none")
