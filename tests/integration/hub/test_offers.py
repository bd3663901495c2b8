"""What servers offer beside tools, over both transports and in both eras, from servers of the official SDK."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import pytest

from gateway.errors import ToolServerRefusal
from gateway.hub import Caller, GivenInput, HttpServerSpec, Hub, HubSettings
from tests.integration.hub.plain_launcher import PlainLauncher, offering
from tests.integration.hub.servers.offering import NOTE, Offering, build_offering
from tests.integration.hub.servers.over_http import bound_socket, sdk_server, url_of
from tests.support.conditions import eventually

SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)
ways = pytest.mark.parametrize("way", ["stdio", "http modern", "http legacy"])
FORM = {"elicitation": {"form": {}}}


@asynccontextmanager
async def hub_of(way: str) -> AsyncGenerator[Hub]:
    """A hub with that server; over HTTP, `seen` of it is what reached the server."""
    with anyio.fail_after(60):
        if way == "stdio":
            async with Hub([offering()], PlainLauncher(), settings=SETTINGS) as hub:
                await hub.settled()
                yield hub
            return
        offer = Offering()
        with bound_socket() as listener:
            async with (
                sdk_server(listener, era=way.removeprefix("http "), build=lambda: build_offering(offer)) as seen,
                Hub([HttpServerSpec("offering", url_of(listener))], None, settings=SETTINGS) as hub,
            ):
                await hub.settled()
                hub.seen = seen
                yield hub


def ask(hub: Hub, method: str, params: dict, **more):
    return hub.request("offering", method, params, owner="key", timeout=60, **more)


def call(hub: Hub, tool: str, arguments: dict | None = None, **more):
    return hub.call("offering", tool, arguments or {}, owner="key", timeout=60, **more)


@ways
async def test_everything_that_a_server_offers_is_in_the_catalogue(way: str):
    async with hub_of(way) as hub:
        catalogue = hub.catalogue
        assert [(one.server, one.uri) for one in catalogue.resources] == [("offering", NOTE)]
        assert [one.uri_template for one in catalogue.templates] == ["note://{name}"]
        assert [one.qualified for one in catalogue.prompts] == ["offering/greet"]
        assert catalogue.prompts_by_wire_name["offering__greet"] is catalogue.prompts[0]
        about = catalogue.servers["offering"]
        assert about.instructions == "Read the notes first."
        assert about.implementation["name"] == "offering"
        assert {"tools", "resources", "prompts", "completions"} <= set(about.capabilities)
        (status,) = hub.statuses()
        assert (status.tools, status.resources, status.prompts, status.left_out) == (5, 2, 1, ())


@ways
async def test_resources_prompts_and_completions_come_as_the_server_gives_them(way: str):
    async with hub_of(way) as hub:
        read = await ask(hub, "resources/read", {"uri": NOTE})
        assert [one["text"] for one in read["contents"]] == ["first"]
        got = await ask(hub, "prompts/get", {"name": "greet", "arguments": {"name": "Ada"}})
        assert got["messages"][0]["content"]["text"] == "greet Ada"
        wanted = {"ref": {"type": "ref/prompt", "name": "greet"}, "argument": {"name": "name", "value": "A"}}
        completed = await ask(hub, "completion/complete", wanted)
        assert completed["completion"]["values"] == ["A!"]


@ways
async def test_a_refusal_is_handed_on_with_its_code_its_words_and_its_data(way: str):
    async with hub_of(way) as hub:
        with pytest.raises(ToolServerRefusal) as refused:
            await ask(hub, "resources/read", {"uri": "note://none"})
        refusal = refused.value
        assert (refusal.code, refusal.reason, refusal.data) == (-32602, "Unknown resource", {"uri": "note://none"})
        assert refusal.server == "offering"


async def test_tools_are_called_by_no_other_way_than_calls():
    async with Hub([], None) as hub:
        with pytest.raises(ValueError, match="call"):
            await ask(hub, "tools/call", {"name": "grow"})


@ways
async def test_whoever_waits_for_a_change_is_told_of_every_part(way: str):
    async with hub_of(way) as hub:
        before = known = hub.catalogue
        if way == "http legacy":  # before that, notifications get lost
            await eventually(lambda: any(method == "GET" for method, _ in hub.seen.requests))
        await call(hub, "grow")
        while known.resources == before.resources or known.prompts == before.prompts:
            known = await hub.change(known)
        assert known is hub.catalogue
        assert known.generation > before.generation
        assert [one.uri for one in known.resources] == [NOTE, "note://two"]
        assert [one.name for one in known.prompts] == ["greet", "part"]


@pytest.mark.parametrize("way", ["stdio", "http modern"])
async def test_each_request_speaks_for_its_own_client(way: str):
    caller = Caller(
        FORM, {"name": "editor", "version": "3"}, "debug", {"traceparent": "00-1-2-01", "cookie": "secret"}
    )
    async with hub_of(way) as hub:
        said = json.loads((await call(hub, "who", caller=caller)).text())
        prefix = "io.modelcontextprotocol/"
        assert said[f"{prefix}clientCapabilities"] == FORM
        assert said[f"{prefix}clientInfo"] == {"name": "editor", "version": "3"}
        assert said[f"{prefix}logLevel"] == "debug"
        assert said["traceparent"] == "00-1-2-01"
        assert "cookie" not in said
        plain = json.loads((await call(hub, "who")).text())
        assert plain[f"{prefix}clientCapabilities"] == {}
        assert plain[f"{prefix}clientInfo"]["name"] == "toolgate"
        assert f"{prefix}logLevel" not in plain
        assert "traceparent" not in plain


async def test_an_older_server_is_told_the_trace_and_no_more():
    caller = Caller(FORM, {"name": "editor"}, "debug", {"traceparent": "00-1-2-01"})
    async with hub_of("http legacy") as hub:
        assert json.loads((await call(hub, "who", caller=caller)).text()) == {"traceparent": "00-1-2-01"}


@pytest.mark.parametrize("way", ["stdio", "http modern"])
async def test_a_call_that_wants_input_is_carried_on_by_who_can_give_it(way: str):
    async with hub_of(way) as hub:
        caller = Caller(FORM)
        asked = await call(hub, "ask", caller=caller)
        assert asked.is_error
        assert "Which city?" in asked.text()
        wanted = asked.input_required
        assert wanted is not None
        assert wanted.state == "sealed"
        assert wanted.requests["city"]["method"] == "elicitation/create"
        given = GivenInput({"city": {"action": "accept", "content": {"city": "Zürich"}}}, wanted.state)
        done = await call(hub, "ask", caller=caller, given=given)
        assert done.input_required is None
        answered, state = json.loads(done.text())
        assert (answered["content"], state) == ({"city": "Zürich"}, "sealed")
