"""Servers with a workspace: one instance for each owner."""

from __future__ import annotations

import json

import anyio
import pytest

from gateway.errors import ToolServerDown
from gateway.hub import HubSettings
from tests.integration.hub.plain_launcher import scripted
from tests.integration.hub.test_hub_over_stdio import call, hub_of, where
from tests.support.conditions import eventually


async def test_a_server_with_a_workspace_is_listed_from_an_instance_that_is_then_stopped():
    async with hub_of(scripted(workspace="/workspace")) as hub:
        await eventually(lambda: hub.launcher.running() == [])
        assert [owner for _, owner in hub.launcher.started] == [None]
        (status,) = hub.statuses()
        assert (status.state, status.instances, status.tools) == ("ready", 0, 13)


async def test_each_owner_has_an_instance_of_their_own_that_is_kept_between_calls():
    async with hub_of(scripted(workspace="/workspace")) as hub:
        ann, bob = await where(hub, owner="ann"), await where(hub, owner="bob")
        assert (ann["owner"], bob["owner"]) == ("ann", "bob")
        assert ann["pid"] != bob["pid"]
        assert await where(hub, owner="ann") == ann
        assert hub.statuses()[0].instances == 2


async def test_an_instance_that_nobody_uses_is_stopped_and_started_again_on_demand():
    async with hub_of(scripted(workspace="/workspace"), settings=HubSettings(instance_idle=0.05)) as hub:
        first = await where(hub, owner="ann")
        await eventually(lambda: hub.statuses()[0].instances == 0 and hub.launcher.running() == [])
        assert (await where(hub, owner="ann"))["pid"] != first["pid"]


async def test_an_instance_in_use_is_not_stopped_however_long_the_call():
    async with hub_of(scripted(workspace="/workspace"), settings=HubSettings(instance_idle=0.05)) as hub:
        assert (await call(hub, "sleep", {"seconds": 0.4}, owner="ann")).text() == "slept"


async def test_one_owner_more_than_there_is_room_for_takes_the_place_of_the_longest_idle():
    settings = HubSettings(instances_per_server=2)
    async with hub_of(scripted(workspace="/workspace"), settings=settings) as hub:
        ann = await where(hub, owner="ann")
        bob = await where(hub, owner="bob")
        await where(hub, owner="cyd")
        assert hub.statuses()[0].instances == 2
        assert await where(hub, owner="bob") == bob
        assert (await where(hub, owner="ann"))["pid"] != ann["pid"]


async def test_when_all_instances_are_busy_another_owner_is_refused():
    settings = HubSettings(instances_per_server=1)
    async with hub_of(scripted(workspace="/workspace"), settings=settings) as hub:
        await where(hub, owner="ann")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: call(hub, "sleep", {"seconds": 30}, owner="ann"))
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(ToolServerDown, match="all of its 1 instances are busy"):
                await where(hub, owner="bob")
            tasks.cancel_scope.cancel()


async def test_the_death_of_one_owners_instance_is_nothing_to_another():
    async with hub_of(scripted(workspace="/workspace")) as hub:
        bob = await where(hub, owner="bob")
        with pytest.raises(ToolServerDown):
            await call(hub, "die", owner="ann")
        assert await where(hub, owner="bob") == bob
        assert json.loads((await call(hub, "where", owner="ann")).text())["owner"] == "ann"
