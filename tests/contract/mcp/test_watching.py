"""Updates of single resources, as MCP's own client hears of them at `/mcp`, from servers of both eras."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError

from gateway.config import load_config
from gateway.errors import ToolServerDown
from tests.support.conditions import eventually
from tests.support.gateways import MCP_ERAS, OTHER_SECRET, SECRET, InProcess, gateway_in_process, write_files

from .raw import META, Wire, error_of, message

HERE = Path(__file__).parent
both_eras = pytest.mark.parametrize("mode", MCP_ERAS)
# What 2026-07-28 no longer has, clients of before have all the same.
pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
THIRD_SECRET = "third-secret-0123456789"


def server(file: str, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [str(HERE / file)], "sandbox": {"backend": "host", **more}}


DOCUMENT: dict[str, Any] = {
    "mcpServers": {
        "new": server("conformance/everything.py"),
        "old": server("old_server.py"),
        "own": server("old_server.py", workspace="/workspace"),
    },
    "keys": {
        "agent": {"secret": SECRET, "policies": ["all"]},
        "narrow": {"secret": OTHER_SECRET, "policies": ["narrow"]},
        "other": {"secret": THIRD_SECRET, "policies": ["all"]},
    },
    "limits": {"stream_heartbeat_seconds": 1},
}
HIDDEN = "note://two"
POLICIES: dict[str, Any] = {
    "all": {"allow": ["new/*", "old/*", "own/*"]},
    "narrow": {
        "allow": ["old/*"],
        "rules": [
            {
                "id": "not-two",
                "tools": ["old/@resources"],
                "require": {"properties": {"uri": {"not": {"const": HIDDEN}}}},
            }
        ],
    },
}
OLD, NEW = ("/mcp/old", "note://one"), ("/mcp/new", "test://watched-resource")


@pytest.fixture(scope="module")
async def shared_gateway() -> AsyncGenerator[InProcess]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, POLICIES) as gateway:
            yield gateway


@dataclass
class Watcher:
    """A client that watches one resource, and what it heard."""

    client: Client
    heard: list[str] = field(default_factory=list)

    async def touch(self, uri: str) -> None:
        await self.client.call_tool("touch", {"uri": uri})


@asynccontextmanager
async def watcher(
    gateway: InProcess, mode: str, path: str, *uris: str, secret: str = SECRET
) -> AsyncGenerator[Watcher]:
    """The SDK's client, once it watches these."""
    heard: list[str] = []

    async def hear(said: Any) -> None:
        if mode == "legacy" and isinstance(said, types.ResourceUpdatedNotification):
            heard.append(str(said.params.uri))

    with anyio.fail_after(60):
        async with gateway.mcp_client(mode, secret=secret, path=path, message_handler=hear) as client:
            if mode == "legacy":
                for uri in uris:
                    await client.subscribe_resource(uri)
                yield Watcher(client, heard)
                return
            async with client.listen(resource_subscriptions=list(uris)) as subscription:
                assert list(subscription.honored.resource_subscriptions or ()) == list(uris)
                async with anyio.create_task_group() as tasks:

                    async def follow() -> None:
                        async for event in subscription:
                            assert isinstance(event, ResourceUpdated)
                            heard.append(str(event.uri))

                    tasks.start_soon(follow)
                    yield Watcher(client, heard)
                    tasks.cancel_scope.cancel()


async def watched_at(gateway: InProcess, path: str, secret: str = SECRET) -> list[str]:
    async with gateway.mcp_client(path=path, secret=secret) as client:
        (said,) = (await client.call_tool("watched")).content
        assert isinstance(said, types.TextContent)
        return json.loads(said.text)


@both_eras
@pytest.mark.parametrize(("path", "uri"), [OLD, NEW], ids=["old server", "new server"])
async def test_a_client_hears_of_updates_of_what_it_watches(gateway: InProcess, mode: str, path: str, uri: str):
    async with watcher(gateway, mode, path, uri) as watching:
        await watching.touch(uri)
        await eventually(lambda: watching.heard == [uri])


@both_eras
async def test_where_all_servers_stand_side_by_side_updates_have_the_uris_of_there(gateway: InProcess, mode: str):
    ours = "toolgate://old/note%3A%2F%2Fone"
    async with watcher(gateway, mode, "/mcp", ours) as watching:
        await watching.client.call_tool("old__touch", {"uri": "note://one"})
        await eventually(lambda: watching.heard == [ours])


@both_eras
async def test_many_clients_share_one_subscription_which_is_given_up_after_the_last(gateway: InProcess, mode: str):
    path, uri = OLD
    async with watcher(gateway, mode, path, uri) as one:
        async with watcher(gateway, mode, path, uri, secret=OTHER_SECRET) as two:
            await one.touch(uri)
            await eventually(lambda: one.heard == two.heard == [uri])
        assert await watched_at(gateway, path) == [uri]
        if mode == "legacy":
            await one.client.unsubscribe_resource(uri)
            await one.touch(uri)
    with anyio.fail_after(10):
        while await watched_at(gateway, path):
            await anyio.sleep(0.01)
    assert one.heard == [uri]


@both_eras
async def test_what_a_policy_hides_is_not_heard_of(gateway: InProcess, mode: str):
    path, uri = OLD
    async with gateway.mcp_client(mode, path=path, secret=OTHER_SECRET) as client:
        if mode == "legacy":
            with pytest.raises(MCPError, match="not-two"):
                await client.subscribe_resource(HIDDEN)
        else:
            async with client.listen(resource_subscriptions=[uri, HIDDEN]) as subscription:
                assert subscription.honored.resource_subscriptions == [uri]
    async with (
        watcher(gateway, mode, path, uri, HIDDEN) as all_of_it,
        watcher(gateway, mode, path, uri, secret=OTHER_SECRET) as some,
    ):
        await all_of_it.touch(HIDDEN)
        await all_of_it.touch(uri)
        await eventually(lambda: all_of_it.heard == [HIDDEN, uri])
        await eventually(lambda: some.heard == [uri])


@both_eras
async def test_a_server_of_each_key_tells_of_its_own_alone(gateway: InProcess, mode: str):
    uri = "note://one"
    async with (
        watcher(gateway, mode, "/mcp/own", uri) as mine,
        watcher(gateway, mode, "/mcp/own", uri, secret=THIRD_SECRET) as theirs,
    ):
        await mine.touch(uri)
        await eventually(lambda: mine.heard == [uri])
        await theirs.touch(uri)
        await eventually(lambda: theirs.heard == [uri])
        assert mine.heard == [uri]


@both_eras
@pytest.mark.parametrize("path", ["/mcp/old", "/mcp/own"])
async def test_after_a_server_has_died_its_resources_count_as_changed_and_are_watched_on(
    gateway: InProcess, mode: str, path: str
):
    uri = "note://one"
    async with watcher(gateway, mode, path, uri) as watching:
        await watching.client.call_tool("die")
        await eventually(lambda: watching.heard == [uri])
        await watching.touch(uri)
        await eventually(lambda: watching.heard == [uri, uri])


async def test_watching_is_judged_and_recorded_like_reading(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/old")
        session = {"mcp-session-id": await wire.begin()}
        answer = await wire.send(message("resources/subscribe", {"uri": "note://one"}), session)
        assert answer.json()["result"] == {}
        refused = await wire.send(message("resources/subscribe", {"uri": "note://none"}), session)
        assert error_of(refused) == (200, -32602, 1)
        for uri in (None, 7, "x" * 5000, "toolgate://none/a"):
            assert error_of(await wire.send(message("resources/subscribe", {"uri": uri}), session))[1] == -32602
        await wire.send(None, session, method="DELETE")
    await gateway.shared.audit.flush()
    found = await gateway.shared.audit.run(answer.headers["x-toolgate-run-id"])
    assert found is not None
    assert [(call.server, call.tool, call.outcome) for call in found[1]] == [("old", "@resources", "ok")]
    with anyio.fail_after(10):
        while await watched_at(gateway, "/mcp/old"):
            await anyio.sleep(0.01)


async def test_what_one_session_watches_is_bounded(gateway: InProcess, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.api.mcp.watching.MOST_OF_CLIENT", 1)
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http, "/mcp/old")
        session = {"mcp-session-id": await wire.begin()}
        statuses = [
            (await wire.send(message("resources/subscribe", {"uri": uri}), session)).json()
            for uri in ("note://one", "note://one", "note://two")
        ]
        assert ["result" in said for said in statuses] == [True, True, False]
        assert "Too many" in statuses[2]["error"]["message"]
        await wire.send(None, session, method="DELETE")


@both_eras
async def test_what_is_watched_outlives_a_configuration_for_those_who_may_still_read_it(tmp_path: Path, mode: str):
    path, uri = OLD
    async with (
        gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway,
        watcher(gateway, mode, path, uri, HIDDEN) as watching,
    ):
        keys = {**DOCUMENT["keys"], "agent": {"secret": SECRET, "policies": ["narrow"]}}
        changed = write_files(tmp_path, {**DOCUMENT, "keys": keys}, POLICIES)
        await gateway.gateway.load(load_config(changed))
        await watching.touch(HIDDEN)
        await watching.touch(uri)
        await eventually(lambda: watching.heard == [uri])
        await eventually(lambda: len(gateway.gateway.services.hub._upstreams) == 3)
        with anyio.fail_after(10):
            while await watched_at(gateway, path) != [uri]:
                await anyio.sleep(0.01)


@both_eras
async def test_a_server_that_is_down_while_the_configuration_changes_is_watched_on(tmp_path: Path, mode: str):
    path, uri = OLD
    async with (
        gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway,
        watcher(gateway, mode, path, uri) as watching,
    ):
        hub = gateway.gateway.services.hub
        connection: Any = hub._upstreams["old"]._connection  # type: ignore[attr-defined]
        wait_for_session = connection._wait_for_session

        async def is_down() -> Any:
            asked.set()
            raise ToolServerDown("The tool server 'old' is down.", server="old")

        asked, connection._wait_for_session = anyio.Event(), is_down
        await gateway.gateway.load(load_config(write_files(tmp_path, DOCUMENT, POLICIES)))
        await asked.wait()
        connection._wait_for_session = wait_for_session
        await watching.touch(uri)
        await eventually(lambda: watching.heard == [uri])


async def test_a_stream_does_not_go_on_for_another_key_with_the_secret_of_its_own(tmp_path: Path):
    path, uri = OLD
    async with gateway_in_process(tmp_path, DOCUMENT, POLICIES) as gateway, httpx2.AsyncClient(timeout=60) as http:
        wishes = {"notifications": {"resourceSubscriptions": [uri]}}
        body = message("subscriptions/listen", {**wishes, "_meta": META})
        headers = {
            "authorization": f"Bearer {SECRET}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "subscriptions/listen",
        }
        with anyio.fail_after(60):
            async with http.stream("POST", f"{gateway.origin}{path}", json=body, headers=headers) as stream:
                lines = stream.aiter_lines()
                while "acknowledged" not in await anext(lines):
                    pass
                keys = {**DOCUMENT["keys"], "agent": {"secret": "no-more-0123456789", "policies": ["all"]}}
                keys["heir"] = {"secret": SECRET, "policies": ["all"]}
                changed = write_files(tmp_path, {**DOCUMENT, "keys": keys}, POLICIES)
                await gateway.gateway.load(load_config(changed))
                async for _ in lines:
                    pass


async def test_wishes_that_make_no_sense_are_refused(gateway: InProcess):
    async with httpx2.AsyncClient(timeout=60) as http:
        wire = Wire(gateway, http)
        for wishes in ("a:", [7], {"a:": True}):
            params = {"_meta": META, "notifications": {"resourceSubscriptions": wishes}}
            assert error_of(await wire.ask("subscriptions/listen", params)) == (400, -32602, 1)
