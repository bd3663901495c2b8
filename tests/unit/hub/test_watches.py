"""Watched resources over a peer that does as the test says: what the server is asked, and who is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from gateway.hub.peer import ConnectionCut, RequestFault, RpcError
from gateway.hub.watches import MOST_WATCHED, Watches
from gateway.hub.watching import Watching
from tests.support.conditions import eventually
from tests.unit.hub.fake_peer import DISCOVERED, INITIALIZED, FakePeer, connect

SUBSCRIBING = {"resources": {"subscribe": True}}
ERAS = ("legacy", "modern")


class Server:
    """Takes subscriptions in both eras, but for the URIs that it refuses."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.there: list[str] = []
        self.streams: list[Stream] = []
        self.peer: FakePeer
        self.answers: dict[str, Any] = {
            "initialize": {**INITIALIZED, "capabilities": SUBSCRIBING},
            "server/discover": {**DISCOVERED, "capabilities": SUBSCRIBING},
            "resources/subscribe": self.subscribe,
            "resources/unsubscribe": self.unsubscribe,
            "subscriptions/listen": self.listen,
        }

    async def subscribe(self, params: Mapping[str, Any]) -> Any:
        if params["uri"] in self.refused:
            return RpcError(-32602, "Unknown resource")
        self.there.append(params["uri"])
        return {}

    async def unsubscribe(self, params: Mapping[str, Any]) -> Any:
        self.there.remove(params["uri"])
        return {}

    async def listen(self, params: Mapping[str, Any]) -> Any:
        uris = params["notifications"]["resourceSubscriptions"]
        if self.refused & set(uris):
            return RpcError(-32602, "Unknown resource")
        stream = Stream(uris, self.peer.meanwhile.on_notification)
        stream.say("notifications/subscriptions/acknowledged", {"notifications": {"resourceSubscriptions": uris}})
        self.streams.append(stream)
        self.there = list(uris)
        try:
            await stream.over.wait()
        finally:
            self.streams.remove(stream)
            if not self.streams:
                self.there = []
        return ConnectionCut("cut")


class Stream:
    def __init__(self, uris: list[str], say: Any) -> None:
        self.uris, self.say, self.over = uris, say, anyio.Event()

    def update(self, uri: str) -> None:
        self.say("notifications/resources/updated", {"uri": uri})


@asynccontextmanager
async def kept(server: Server, era: str, watches: Watches) -> AsyncGenerator[None]:
    """One session with the server, over which the watches are kept."""
    session, server.peer = await connect(server.answers, era="legacy" if era == "legacy" else None)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watches.keep, session)
            yield
            tasks.cancel_scope.cancel()


def updated(server: Server, watches: Watches, uri: str) -> None:
    """The server says that a resource was updated, in the way of its era."""
    if server.streams:
        server.streams[-1].update(uri)
    else:
        watches.note({"uri": uri})


@pytest.mark.parametrize("era", ERAS)
async def test_a_resource_is_subscribed_to_once_for_all_who_watch_it(era: str):
    server, watches = Server(), Watches()
    first: list[int] = []
    second: list[int] = []
    one, two = (lambda: first.append(1)), (lambda: second.append(1))
    async with kept(server, era, watches):
        await watches.add("a:", one)
        await watches.add("a:", two)
        assert server.there == ["a:"]
        asked = [method for method in server.peer.methods if "subscri" in method]
        assert len(asked) == 1
        updated(server, watches, "a:")
        updated(server, watches, "b:")
        assert (first, second) == ([1], [1])
        watches.remove("a:", one)
        updated(server, watches, "a:")
        assert (first, second) == ([1], [1, 1])
        watches.remove("a:", two)
        await eventually(lambda: server.there == [])


@pytest.mark.parametrize("era", ERAS)
async def test_a_resource_that_the_server_refuses_costs_no_other(era: str):
    server, watches = Server("bad:"), Watches()
    told: list[str] = []
    outcomes: dict[str, str] = {}

    async def watch(uri: str) -> None:
        try:
            await watches.add(uri, lambda: told.append(uri))
            outcomes[uri] = "ok"
        except RpcError as refusal:
            outcomes[uri] = refusal.message

    async with kept(server, era, watches):
        await watch("a:")
        async with anyio.create_task_group() as tasks:
            for uri in ("b:", "bad:", "c:"):
                tasks.start_soon(watch, uri)
        assert outcomes == {"a:": "ok", "b:": "ok", "bad:": "Unknown resource", "c:": "ok"}
        await eventually(lambda: sorted(server.there) == ["a:", "b:", "c:"])
        updated(server, watches, "c:")
        assert told == ["c:"]
        server.refused.clear()
        await watch("bad:")
        assert outcomes["bad:"] == "ok"


@pytest.mark.parametrize("era", ERAS)
async def test_in_the_next_session_all_is_subscribed_to_again_and_counts_as_changed(era: str):
    server, watches = Server(), Watches()
    told: list[str] = []
    async with kept(server, era, watches):
        await watches.add("a:", lambda: told.append("a:"))
        await watches.add("b:", lambda: told.append("b:"))
    server.there.clear()
    assert told == []
    async with kept(server, era, watches):
        await eventually(lambda: sorted(server.there) == ["a:", "b:"])
        await eventually(lambda: sorted(told) == ["a:", "b:"])


async def test_a_stream_that_breaks_is_opened_again_and_what_was_missed_counts_as_changed(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("gateway.hub.subscribing._LISTEN_AGAIN", 0)
    server, watches = Server(), Watches()
    told: list[str] = []
    async with kept(server, "modern", watches):
        await watches.add("a:", lambda: told.append("a:"))
        broken = server.streams[0]
        broken.over.set()
        await eventually(lambda: told)
        assert server.streams
        assert broken not in server.streams
        updated(server, watches, "a:")
        assert told == ["a:", "a:"]


async def test_a_stream_that_breaks_while_another_is_refused_is_missed_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.subscribing._LISTEN_AGAIN", 0)
    server, watches = Server(), Watches()
    told: list[str] = []
    listen = server.listen

    async def refuse_once(params: Mapping[str, Any]) -> Any:
        server.peer.answers["subscriptions/listen"] = listen
        server.streams[0].over.set()
        await anyio.wait_all_tasks_blocked()
        return RpcError(-32000, "not now")

    async with kept(server, "modern", watches):
        await watches.add("a:", lambda: told.append("a:"))
        await watches.add("b:", other := lambda: None)
        server.peer.answers["subscriptions/listen"] = refuse_once
        watches.remove("b:", other)
        await eventually(lambda: told == ["a:"])
        assert server.streams[-1].uris == ["a:"]


async def test_the_next_stream_is_there_before_the_one_before_ends():
    server, watches = Server(), Watches()
    async with kept(server, "modern", watches):
        await watches.add("a:", lambda: None)
        first = server.streams[0]
        with anyio.fail_after(5):
            await watches.add("b:", lambda: None)
        assert [stream.uris for stream in server.streams if stream is not first] == [["a:", "b:"]]
        await eventually(lambda: first not in server.streams)


async def test_what_a_server_does_not_honour_is_refused():
    server, watches = Server(), Watches()

    async def listen(params: Mapping[str, Any]) -> Any:
        server.peer.meanwhile.on_notification("notifications/subscriptions/acknowledged", {"notifications": {}})
        await anyio.sleep_forever()

    server.answers["subscriptions/listen"] = listen
    async with kept(server, "modern", watches):
        with pytest.raises(RpcError, match="does not tell"):
            await watches.add("a:", lambda: None)
        assert len(watches) == 0


@pytest.mark.parametrize("era", ERAS)
async def test_a_server_that_is_silent_is_given_up_and_asked_again(era: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.hub.subscribing._TRY_AGAIN", 0.01)
    server, watches = Server(), Watches()
    told: list[int] = []
    async with kept(server, era, watches):
        await watches.add("a:", lambda: told.append(1))
    monkeypatch.setattr("gateway.hub.subscribing._PATIENCE", 0.1)
    answers = dict(server.answers)

    async def never(_params: Any) -> Any:
        await anyio.sleep_forever()

    server.answers |= {"resources/subscribe": never, "subscriptions/listen": never}
    async with kept(server, era, watches):
        with pytest.raises(RequestFault, match="did not take"):
            await watches.add("b:", lambda: None)
        assert told == []
        server.answers.update(answers)
        server.peer.answers.update(answers)
        await eventually(lambda: told == [1])


async def test_a_resource_that_an_older_server_does_not_answer_to_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("gateway.hub.subscribing._PATIENCE", 3600)
    server, watches = Server(), Watches()
    outcomes: list[str] = []

    async def subscribe(params: Mapping[str, Any]) -> Any:
        if params["uri"].startswith("slow:"):
            await anyio.sleep_forever()
        return {}

    async def watch(uri: str) -> None:
        await watches.add(uri, lambda: None)
        outcomes.append(uri)

    server.answers["resources/subscribe"] = subscribe
    async with kept(server, "legacy", watches), anyio.create_task_group() as tasks:
        for uri in ("slow:1", "slow:2", "z:"):
            tasks.start_soon(watch, uri)
        await eventually(lambda: outcomes == ["z:"])
        tasks.cancel_scope.cancel()


async def test_what_is_given_up_while_the_server_is_asked_for_it_is_unsubscribed_from_all_the_same():
    server, watches = Server(), Watches()
    asked, answer = anyio.Event(), anyio.Event()

    async def subscribe(params: Mapping[str, Any]) -> Any:
        asked.set()
        await answer.wait()
        return await server.subscribe(params)

    server.answers["resources/subscribe"] = subscribe
    async with kept(server, "legacy", watches):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watches.add, "a:", lambda: None)
            await asked.wait()
            tasks.cancel_scope.cancel()
        answer.set()
        await eventually(lambda: server.peer.methods[-1] == "resources/unsubscribe")
        assert (len(watches), server.there) == (0, [])


async def test_an_update_of_a_part_is_one_of_the_whole():
    watches, told = Watches(), []
    async with kept(Server(), "legacy", watches):
        await watches.add("file:///a", lambda: told.append("a"))
        for uri in ("file:///ab", "file:///", "file:///b", "file://", "x"):
            watches.note({"uri": uri})
        assert told == []
        for uri in ("file:///a", "file:///a/b/c", "file:///a?b", "file:///a#b"):
            watches.note({"uri": uri})
        assert told == ["a"] * 4
        for params in ({}, {"uri": None}, {"uri": 7}, {"uri": ["file:///a"]}):
            watches.note(params)
        assert told == ["a"] * 4


async def test_a_resource_whose_uri_is_overlong_is_none_that_could_be_watched():
    watches, told = Watches(), []
    async with kept(Server(), "legacy", watches):
        await watches.add("a:", lambda: told.append("a"))
        watches.note({"uri": "a:" + "/" * 1_000_000})  # each of these could end the URI of a whole
        assert told == []
        watches.note({"uri": "a:" + "/" * 4000})
        assert told == ["a"]


@pytest.mark.parametrize("era", ERAS)
async def test_who_comes_when_the_last_has_just_left_watches_what_is_subscribed_to_still(era: str):
    server, watches = Server(), Watches()
    told: list[str] = []
    async with kept(server, era, watches):
        await watches.add("a:", first := lambda: told.append("first"))
        watches.remove("a:", first)
        with anyio.fail_after(10):
            await watches.add("a:", lambda: told.append("second"))
        updated(server, watches, "a:")
        assert told == ["second"]


async def test_what_is_watched_is_bounded():
    watches = Watches()
    async with kept(Server(), "legacy", watches), anyio.create_task_group() as tasks:
        for number in range(MOST_WATCHED):
            tasks.start_soon(watches.add, f"n:{number}", lambda: None)
        await eventually(lambda: len(watches) == MOST_WATCHED)
        with pytest.raises(RequestFault, match="too many"):
            await watches.add("one-more:", lambda: None)
        assert len(watches) == MOST_WATCHED
        tasks.cancel_scope.cancel()


async def test_nothing_runs_while_nobody_watches_and_credentials_are_kept_apart():
    server, watching = Server(), Watching()
    session, server.peer = await connect(server.answers)
    told: list[str] = []
    async with anyio.create_task_group() as tasks:
        watching.begin(session, tasks)
        assert server.peer.methods == ["server/discover"]
        with anyio.fail_after(10):
            ada = await watching.add(session, "a:", lambda: told.append("ada"), "ada", None)
            bob = await watching.add(session, "a:", lambda: told.append("bob"), "bob", None)
        assert ada is not bob
        server.streams[0].update("a:")
        assert told == ["ada"]
        watching.note({"uri": "a:"})  # of the connection, where in this era no update comes from
        assert told == ["ada"]
        ada.remove("a:", ada._watched["a:"].listeners[0])
        await eventually(lambda: len(server.streams) == 1)
        with anyio.fail_after(10):
            await watching.add(session, "b:", lambda: None, "ada", None)
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("capabilities", [{}, {"resources": {}}, {"resources": {"subscribe": False}}])
async def test_a_server_that_tells_of_no_updates_is_not_asked_to(capabilities: dict[str, Any]):
    session, peer = await connect({"initialize": {**INITIALIZED, "capabilities": capabilities}}, era="legacy")
    with pytest.raises(RequestFault, match="tells nobody"):
        await Watching().add(session, "a:", lambda: None, "", None)
    assert "resources/subscribe" not in peer.methods


async def test_over_an_older_session_that_all_share_nobody_watches_with_credentials_of_their_own():
    server, watching = Server(), Watching()
    modern, server.peer = await connect(server.answers)
    told: list[str] = []
    async with anyio.create_task_group() as tasks:
        watching.begin(modern, tasks)
        with anyio.fail_after(10):
            await watching.add(modern, "a:", lambda: told.append("ada"), "ada", None)
        tasks.cancel_scope.cancel()
    watching.end()
    older, server.peer = await connect(server.answers, era="legacy")
    async with anyio.create_task_group() as tasks:
        watching.begin(older, tasks)
        with pytest.raises(RequestFault, match="older version"):
            await watching.add(older, "a:", lambda: told.append("bob"), "bob", None)
        with anyio.fail_after(10):
            await watching.add(older, "b:", lambda: told.append("all"), "", None)
        assert [params["uri"] for method, params in server.peer.asked if method == "resources/subscribe"] == ["b:"]
        for uri in ("a:", "b:"):
            watching.note({"uri": uri})
        assert told == ["all"]
        tasks.cancel_scope.cancel()
