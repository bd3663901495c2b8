"""Negotiation, listing and calls over a peer that does as the test says."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.hub.peer import ConnectionCut, PeerClosed, RequestFault, RpcError, Unreachable
from gateway.hub.requests import Request, call_request
from tests.unit.hub.fake_peer import DISCOVERED, INITIALIZED, LEGACY, MODERN, connect, never


async def test_a_modern_server_is_asked_once():
    session, peer = await connect({"server/discover": DISCOVERED})
    assert (session.era, session.version, peer.versions[-1]) == ("modern", MODERN, MODERN)
    assert peer.methods == ["server/discover"]


@pytest.mark.parametrize(
    "refusal",
    [
        RpcError(-32601, "Method not found"),
        RpcError(-32600, "Unsupported protocol version"),
        RequestFault("HTTP 400"),
        ConnectionCut("cut"),
        {"supportedVersions": [LEGACY]},
        {"supportedVersions": None},
        {},
    ],
)
async def test_a_server_that_refuses_the_probe_is_greeted_the_old_way(refusal):
    session, peer = await connect({"server/discover": refusal, "initialize": INITIALIZED})
    assert (session.era, session.version, peer.versions[-1]) == ("legacy", LEGACY, LEGACY)
    assert peer.methods == ["server/discover", "initialize", "notifications/initialized"]


async def test_a_version_that_is_refused_and_offered_with_the_refusal_is_asked_for_once_more():
    refusals = [RpcError(-32022, "Unsupported protocol version", {"supported": ["2026-07-28"]})]

    async def discover(_params):
        return refusals.pop() if refusals else DISCOVERED

    session, peer = await connect({"server/discover": discover, "initialize": INITIALIZED})
    assert session.era == "modern"
    assert peer.methods == ["server/discover", "server/discover"]


async def test_a_server_known_to_be_old_is_not_probed():
    _, peer = await connect({"initialize": INITIALIZED}, era="legacy")
    assert peer.methods == ["initialize", "notifications/initialized"]


async def test_a_server_silent_on_the_probe_is_greeted_beside_it():
    session, _ = await connect({"server/discover": never, "initialize": INITIALIZED}, head_start=0.01)
    assert session.era == "legacy"


async def test_a_slow_modern_server_that_refuses_the_handshake_is_waited_for():
    refused = anyio.Event()

    async def discover(params):
        await refused.wait()
        return DISCOVERED

    async def refuse(params):
        refused.set()
        return RpcError(-32022, "Unsupported protocol version")

    session, peer = await connect({"server/discover": discover, "initialize": refuse}, head_start=0.01)
    assert (session.era, peer.versions[-1]) == ("modern", MODERN)


@pytest.mark.parametrize("problem", [Unreachable("no connection"), PeerClosed("its process ended")])
async def test_an_outage_is_no_verdict_on_the_era(problem):
    with pytest.raises(type(problem)):
        await connect({"server/discover": problem, "initialize": INITIALIZED})


@pytest.mark.parametrize("version", ["1999-01-01", None, 5, MODERN])
async def test_a_version_that_nobody_knows_is_refused(version):
    with pytest.raises(RequestFault, match="which this gateway does not"):
        await connect({"initialize": {**INITIALIZED, "protocolVersion": version}}, era="legacy")


def paged(pages: dict[Any, tuple[list[Any], Any]]):
    async def page(params):
        tools, following = pages[params.get("cursor")]
        return {"tools": tools, "nextCursor": following}

    return page


async def test_all_pages_of_the_list_are_read():
    pages = {None: (["a"], "2"), "2": (["b"], "3"), "3": (["c"], None)}
    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": paged(pages)})
    assert await session.list_entries("tool") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "pages",
    [
        {None: (["a"], "2"), "2": (["b"], "2")},
        {None: (["a"], "2"), "2": (["b"], 7)},
        {None: (["a"], "2"), "2": (["b"], "")},
    ],
)
async def test_a_list_that_turns_in_circles_ends(pages):
    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": paged(pages)})
    assert await session.list_entries("tool") == ["a", "b"]


async def test_a_list_without_end_is_cut():
    count = 0

    async def endless(params):
        nonlocal count
        count += 1
        return {"tools": ["t"] * 200, "nextCursor": str(count)}

    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": endless})
    assert len(await session.list_entries("tool")) == 5000
    assert count == 25


@pytest.mark.parametrize("tools", [None, 5, {}])
async def test_a_list_that_is_none_is_empty(tools):
    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": {"tools": tools}})
    assert await session.list_entries("tool") == []


@pytest.mark.parametrize("capabilities", [{}, None, [], {"prompts": {}}])
async def test_a_server_that_offers_no_tools_is_not_asked_for_them(capabilities):
    session, peer = await connect({"server/discover": {**DISCOVERED, "capabilities": capabilities}})
    assert await session.list_entries("tool") == []
    assert "tools/list" not in peer.methods


@pytest.mark.parametrize(
    ("kind", "capability", "method", "key"),
    [
        ("resource", "resources", "resources/list", "resources"),
        ("template", "resources", "resources/templates/list", "resourceTemplates"),
        ("prompt", "prompts", "prompts/list", "prompts"),
    ],
)
async def test_every_kind_of_entry_is_listed_where_it_is_offered(kind, capability, method, key):
    answers = {"initialize": {**INITIALIZED, "capabilities": {capability: {}}}, method: {key: ["a"]}}
    session, peer = await connect(answers, era="legacy")
    assert await session.list_entries(kind) == ["a"]
    assert await session.list_entries("tool") == []
    assert "tools/list" not in peer.methods


async def test_what_another_connection_says_for_itself_is_not_sent_on():
    session, peer = await connect({"server/discover": DISCOVERED, "prompts/get": {}})
    params = {"name": "p", "_meta": {"progressToken": 7, "mine": 1, "io.modelcontextprotocol/logLevel": "debug"}}
    await session.request(Request("prompts/get", params, 5))
    meta = peer.asked[-1][1]["_meta"]
    assert not {"progressToken", "io.modelcontextprotocol/logLevel"} & set(meta)
    assert meta["mine"] == 1


async def test_what_a_server_says_of_itself_is_read_in_both_eras():
    stamp = {"io.modelcontextprotocol/serverInfo": {"name": "new"}}
    modern, _ = await connect({"server/discover": {**DISCOVERED, "_meta": stamp, "instructions": "x" * 20_000}})
    about = modern.about("files")
    assert (about.server, about.version, about.implementation) == ("files", MODERN, {"name": "new"})
    assert about.instructions == "x" * 16_384
    greeting = {**INITIALIZED, "serverInfo": {"name": "old"}, "instructions": 5}
    legacy, _ = await connect({"initialize": greeting}, era="legacy")
    assert (legacy.about("s").implementation, legacy.about("s").instructions) == ({"name": "old"}, None)


async def test_changes_are_asked_for_where_something_is_offered_alone():
    capabilities = {"prompts": {}, "resources": {}}
    session, peer = await connect({"server/discover": {**DISCOVERED, "capabilities": capabilities}})
    await session.follow_changes(lambda: None)
    assert peer.asked[-1][1]["notifications"] == {"resourcesListChanged": True, "promptsListChanged": True}
    session, peer = await connect({"server/discover": {**DISCOVERED, "capabilities": {"logging": {}}}})
    await session.follow_changes(lambda: None)
    assert peer.methods == ["server/discover"]


async def test_modern_requests_say_who_asks_and_offer_nothing():
    session, peer = await connect({"server/discover": DISCOVERED, "tools/call": {"content": []}})
    await session.request(call_request("t", {"a": 1}, 5))
    _, params = peer.asked[-1]
    assert params["arguments"] == {"a": 1}
    assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == MODERN
    assert params["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}


async def test_old_requests_carry_no_envelope():
    session, peer = await connect({"initialize": INITIALIZED, "tools/call": {"content": []}}, era="legacy")
    await session.request(call_request("t", {}, 5))
    assert peer.asked[-1][1] == {"name": "t", "arguments": {}}


async def test_arguments_marked_for_a_header_are_sent_in_it_by_modern_sessions_alone():
    schema = {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    modern, peer = await connect({"server/discover": DISCOVERED, "tools/call": {}})
    modern.remember_headers({"t": schema, "plain": {}})
    await modern.request(call_request("t", {"region": "eu"}, 5))
    assert peer.headers == {"Mcp-Param-Region": "eu"}
    await modern.request(call_request("plain", {"region": "eu"}, 5))
    assert peer.headers is None
    legacy, old_peer = await connect({"initialize": INITIALIZED, "tools/call": {}}, era="legacy")
    legacy.remember_headers({"t": schema})
    await legacy.request(call_request("t", {"region": "eu"}, 5))
    assert old_peer.headers is None


async def test_changes_are_followed_in_the_way_of_the_era():
    legacy, old_peer = await connect({"initialize": INITIALIZED}, era="legacy")
    await legacy.follow_changes(lambda: None)
    assert old_peer.followed == 1
    modern, peer = await connect({"server/discover": DISCOVERED})
    await modern.follow_changes(lambda: None)  # refused: this server has none to give
    assert peer.methods[-1] == "subscriptions/listen"


async def test_a_subscription_that_breaks_is_made_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.session._RELISTEN_AFTER", 0)
    ends = iter([ConnectionCut("cut"), {}, RpcError(-32601, "no more")])

    async def listen(params):
        return next(ends)

    modern, peer = await connect({"server/discover": DISCOVERED, "subscriptions/listen": listen})
    with anyio.fail_after(60):
        await modern.follow_changes(lambda: None)
    assert peer.methods.count("subscriptions/listen") == 3


async def test_a_list_is_cut_by_its_size_as_well_as_by_its_length():
    count = 0

    async def heavy(params):
        nonlocal count
        count += 1
        return {"tools": [{"description": "x" * 3 * 1024 * 1024}], "nextCursor": str(count)}

    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": heavy})
    assert len(await session.list_entries("tool")) == count == 3


async def test_a_page_too_deep_to_be_measured_is_the_last():
    deep: list = []
    for _ in range(400):
        deep = [deep]
    pages = {None: (["a", deep], "2"), "2": (["b"], None)}
    session, _ = await connect({"server/discover": DISCOVERED, "tools/list": paged(pages)})
    assert await session.list_entries("tool") == ["a", deep]


async def test_a_version_of_any_length_is_quoted_in_part():
    with pytest.raises(RequestFault) as refusal:
        await connect({"initialize": {"protocolVersion": "9" * 100_000}}, era="legacy")
    assert len(refusal.value.message) < 200
