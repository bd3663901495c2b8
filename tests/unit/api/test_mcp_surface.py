from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import orjson
import pytest

from gateway.api.mcp.listening import Streams, read_wishes
from gateway.api.mcp.surface import Surface, Surfaces
from gateway.api.mcp.wire import Refusal
from gateway.auth import KeyId
from gateway.hub.catalogue import Catalogue, build_catalogue, read_listing
from tool_policies import PolicyFile, load_policies


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}, **more}


SHOUT = tool(
    "shout",
    title="Shout",
    icons=[{"src": "data:,x"}],
    outputSchema={"type": "array"},
    execution={"taskSupport": "optional"},
    _meta={"k": 1},
)
SAY = tool("say", outputSchema={"type": "object"})


def catalogue(*tools: dict[str, Any], other: str = "b") -> Catalogue:
    return build_catalogue(1, [read_listing("a", list(tools)), read_listing(other, [SAY])])


def surface(found: Catalogue, server: str | None = None) -> Surface:
    policies, problems = load_policies(
        [PolicyFile("p.yaml", 'version: 1\npolicies: {p: {allow: ["a/*", "b/*", "c/*"]}}')]
    )
    assert not problems
    return Surface(server, policies.policy_for(["p"]), found, found.tools)


def listed(data: bytes) -> dict[str, Any]:
    return {entry["name"]: entry for entry in orjson.loads(data)}


def test_definitions_pass_as_they_are_under_names_of_ours():
    found = listed(surface(catalogue(SHOUT, SAY)).listed_tools)
    assert list(found) == ["a__say", "a__shout", "b__say"]
    expected = {**SHOUT, "name": "a__shout"}
    del expected["execution"]
    assert found["a__shout"] == expected


def test_older_versions_are_spared_results_that_are_no_objects():
    found = listed(surface(catalogue(SHOUT, SAY)).listed_tools_for_handshakes)
    assert "outputSchema" not in found["a__shout"]
    assert found["a__say"]["outputSchema"] == {"type": "object"}


def test_a_server_alone_has_its_own_names():
    alone = surface(catalogue(SHOUT, SAY), "a")
    assert list(alone.tools) == ["say", "shout"]
    assert alone.tools["say"].tool.qualified == "a/say"


def test_equal_lists_are_no_change_and_different_ones_are():
    before = surface(catalogue(SAY))
    assert before.differences(before) == frozenset()
    assert before.differences(surface(catalogue(SAY))) == frozenset()
    assert before.differences(surface(catalogue(SAY, SHOUT))) == {"toolsListChanged"}


def test_what_changes_elsewhere_is_no_change_of_a_server_alone():
    before, after = catalogue(SAY), catalogue(SAY, other="c")
    assert surface(before, "a").differences(surface(after, "a")) == frozenset()
    assert surface(before).differences(surface(after)) == {"toolsListChanged"}


def test_a_surface_is_worked_out_once():
    found, surfaces = catalogue(SAY), Surfaces()
    policy = surface(found).policy
    first = surfaces.find(None, policy, found, found.tools)
    assert surfaces.find(None, policy, found, found.tools) is first
    assert surfaces.find("a", policy, found, found.tools) is not first
    assert surfaces.find(None, policy, catalogue(SAY), found.tools) is not first


def test_wishes_are_met_as_far_as_there_is_something_to_tell():
    kinds = {"toolsListChanged": True, "promptsListChanged": False, "x": True}
    assert read_wishes({"notifications": kinds}) == (frozenset({"toolsListChanged"}), ())
    wishes = {"resourceSubscriptions": ["b:", "a:", "b:"]}
    assert read_wishes({"notifications": wishes}) == (frozenset(), ("b:", "a:"))
    assert read_wishes({}) == (frozenset(), ())


@pytest.mark.parametrize(
    "wishes",
    [
        [],
        {"resourceSubscriptions": "a:"},
        {"resourceSubscriptions": {"a:": True}},
        {"resourceSubscriptions": ["a:", 7]},
        {"resourceSubscriptions": [f"a:{number}" for number in range(257)]},
    ],
)
def test_wishes_that_make_no_sense_are_refused(wishes: object):
    with pytest.raises(Refusal) as error:
        read_wishes({"notifications": wishes})
    assert error.value.code == -32602


def test_a_key_has_so_many_streams_and_no_more():
    streams, key = Streams(), KeyId("one")
    opened = [streams.one_more(key) for _ in range(256)]
    for stream in opened:
        stream.__enter__()
    with pytest.raises(Refusal) as full, streams.one_more(key):
        pass
    assert full.value.status == 503
    with streams.one_more(KeyId("two")):
        pass
    opened[0].__exit__(None, None, None)
    with streams.one_more(key):
        pass


def test_a_stream_in_the_place_of_another_is_none_too_many():
    streams, key = Streams(), KeyId("one")
    with ExitStack() as stack:
        for _ in range(256):
            stack.enter_context(streams.one_more(key))
        with pytest.raises(Refusal), streams.one_more(key):
            pass
        stack.enter_context(streams.one_more(key, replaces=True))
