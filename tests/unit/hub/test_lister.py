"""Listing what a server offers: what is read again, and what a failing list costs."""

from __future__ import annotations

import anyio
import pytest

from gateway.hub.catalogue import Listing
from gateway.hub.lister import Lister
from gateway.hub.peer import ConnectionCut, PeerClosed, RpcError, Unreachable
from gateway.hub.specs import HubSettings
from tests.support.conditions import eventually
from tests.unit.hub.fake_peer import INITIALIZED, connect, never

OFFERS_ALL = {**INITIALIZED, "capabilities": {"tools": {}, "resources": {}, "prompts": {}}}
TOOLS = {"tools": [{"name": "t", "inputSchema": {}}]}
PROMPTS = {"prompts": [{"name": "p"}]}
LISTS = {
    "initialize": OFFERS_ALL,
    "tools/list": TOOLS,
    "resources/list": {"resources": [{"uri": "a:"}]},
    "resources/templates/list": {"resourceTemplates": [{"uriTemplate": "a:{b}"}]},
    "prompts/list": PROMPTS,
}


async def nowhere() -> None:
    """The source of a server that has none."""


def make_lister(**settings) -> tuple[Lister, list[Listing]]:
    read: list[Listing] = []
    return Lister("s", HubSettings(**settings), read.append), read


@pytest.mark.parametrize(
    "failure", [RpcError(-32601, "no such method"), ConnectionCut("cut"), never], ids=["refused", "cut", "silent"]
)
async def test_a_list_that_fails_costs_no_other(failure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.lister._SIDE_PATIENCE", 0.5)
    session, _ = await connect({**LISTS, "resources/list": failure}, era="legacy")
    lister, read = make_lister()
    await lister.begin(session)
    (listing,) = read
    assert (len(listing.tools), len(listing.templates), len(listing.prompts)) == (1, 1, 1)
    assert listing.resources == ()


async def test_a_server_that_does_not_know_a_list_has_none_of_it_and_nothing_to_be_warned_of(
    caplog: pytest.LogCaptureFixture,
):
    session, peer = await connect(LISTS, era="legacy")
    lister, read = make_lister()
    await lister.begin(session)
    peer.answers["resources/templates/list"] = RpcError(-32601, "Method not found")
    await lister.begin(session)
    assert (len(read[0].templates), read[1].templates, read[1].resources) == (1, (), read[0].resources)
    assert caplog.messages == []


async def test_a_list_that_fails_later_keeps_what_it_had():
    session, peer = await connect(LISTS, era="legacy")
    lister, read = make_lister()
    await lister.begin(session)
    peer.answers["prompts/list"] = RpcError(-32603, "out of order")
    await lister.begin(session)
    assert read[1].prompts == read[0].prompts != ()


async def test_a_capability_that_is_gone_takes_its_entries_along():
    session, _ = await connect(LISTS, era="legacy")
    lister, read = make_lister()
    await lister.begin(session)
    newer, _ = await connect({**LISTS, "initialize": INITIALIZED}, era="legacy")
    await lister.begin(newer)
    assert (len(read[1].tools), read[1].resources, read[1].prompts) == (1, (), ())


@pytest.mark.parametrize("problem", [RpcError(-32603, "no"), PeerClosed("gone"), Unreachable("away")])
async def test_a_server_whose_tools_cannot_be_listed_is_not_there(problem):
    session, _ = await connect({**LISTS, "tools/list": problem}, era="legacy")
    lister, read = make_lister()
    with pytest.raises(type(problem)):
        await lister.begin(session)
    assert read == []


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("notifications/tools/list_changed", ["tools/list"]),
        ("notifications/resources/list_changed", ["resources/list", "resources/templates/list"]),
        ("notifications/prompts/list_changed", ["prompts/list"]),
        (
            "notifications/subscriptions/acknowledged",
            ["tools/list", "resources/list", "resources/templates/list", "prompts/list"],
        ),
    ],
)
async def test_what_is_said_to_have_changed_is_read_again_and_nothing_else(method, asked, monkeypatch):
    monkeypatch.setattr("gateway.hub.lister._COALESCE", 0)
    session, peer = await connect(LISTS, era="legacy")
    lister, read = make_lister()
    await lister.begin(session)
    peer.asked.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lister.keep, session, nowhere)
        lister.note("notifications/message")
        lister.note(method)
        await eventually(lambda: len(read) == 2)
        tasks.cancel_scope.cancel()
    assert peer.methods == asked


async def test_lists_are_read_again_when_it_is_time_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.lister._COALESCE", 0)
    session, peer = await connect(LISTS, era="legacy")
    lister, read = make_lister(relist_every=0.01)
    peer.asked.clear()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lister.keep, session, nowhere)
        await eventually(lambda: read)
        tasks.cancel_scope.cancel()
    assert len(peer.methods) == 4
