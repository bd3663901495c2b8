from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.conversation import ToolDefinition
from gateway.errors import InvalidRequest, ToolsUnavailable
from gateway.exposure import Exposer, Exposure, check_names, check_required, define
from gateway.hub import Catalogue, ServerState
from gateway.hub.catalogue import build_catalogue, read_listing
from tool_policies import Policy, PolicyFile, load_policies


def listed(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": f"does {name}", "inputSchema": {"type": "object"}, **more}


def catalogue(generation: int = 1, **servers: list[str]) -> Catalogue:
    listings = [read_listing(server, [listed(name) for name in names]) for server, names in servers.items()]
    return build_catalogue(generation, listings)


def policy(*allow: str, deny: tuple[str, ...] = ()) -> Policy:
    text = f"version: 1\npolicies:\n  p:\n    allow: {list(allow)}\n    deny: {list(deny)}\n"
    loaded, findings = load_policies([PolicyFile("p.yaml", text)])
    assert [finding for finding in findings if finding.severity == "error"] == []
    return loaded.policy_for(["p"])


def names(exposure: Exposure[Policy]) -> list[str]:
    return [tool.qualified for tool in exposure.tools]


TOOLS = catalogue(files=["write_file", "read_file"], git=["log", "push"], web=["get"])
READY: dict[str, ServerState] = {"files": "ready", "git": "ready", "web": "ready"}


def test_a_request_gets_what_its_policy_shows_in_the_order_of_the_catalogue():
    exposure = Exposer[Policy]().expose(TOOLS, policy("git/*", "files/*", deny=("*/push",)), READY)
    assert names(exposure) == ["files/read_file", "files/write_file", "git/log"]
    assert [one.name for one in exposure.definitions] == ["files__read_file", "files__write_file", "git__log"]
    assert exposure.unavailable == ()


@pytest.mark.parametrize(
    ("narrowings", "left"),
    [
        ((), ["files/read_file", "files/write_file", "git/log", "git/push"]),
        ((("git/*",),), ["git/log", "git/push"]),
        ((("git/*", "files/read_*"),), ["files/read_file", "git/log", "git/push"]),
        ((("git/*", "files/read_*"), ("*/log",)), ["git/log"]),
        ((("web/*",),), []),
        (((),), []),
    ],
)
def test_a_request_can_only_narrow_what_its_key_may_see(narrowings, left):
    exposure = Exposer[Policy]().expose(TOOLS, policy("git/*", "files/*"), READY, narrowings)
    assert names(exposure) == left
    for tool in TOOLS.tools:
        assert exposure.policy.visible(tool.qualified) is (tool.qualified in left), "calls are judged alike"


def test_equal_requests_share_one_answer_and_all_requests_share_definitions():
    exposer = Exposer[Policy]()
    reader, all_of_it = policy("files/read_file"), policy("*/*")
    first = exposer.expose(TOOLS, reader, READY)
    assert exposer.expose(TOOLS, reader, READY).tools is first.tools
    assert first.definitions[0] is exposer.expose(TOOLS, all_of_it, READY).definitions[0]


def test_a_new_catalogue_is_seen_at_once():
    exposer, reader = Exposer[Policy](), policy("files/*")
    exposer.expose(TOOLS, reader, READY)
    grown = catalogue(2, files=["read_file", "stat"])
    assert names(exposer.expose(grown, reader, READY)) == ["files/read_file", "files/stat"]


def test_only_the_last_few_answers_are_remembered():
    exposer = Exposer[Policy](remembered=2)
    policies = [policy("files/*"), policy("git/*"), policy("web/*")]
    for given in policies:
        exposer.expose(TOOLS, given, READY)
    assert len(exposer._known) == 2
    assert names(exposer.expose(TOOLS, policies[0], READY)) == ["files/read_file", "files/write_file"]


def test_servers_that_are_not_there_and_that_the_policy_reaches_are_named():
    states: dict[str, ServerState] = {"files": "down", "git": "ready", "web": "starting", "new": "starting"}
    states["off"] = "disabled"
    exposer = Exposer[Policy]()
    assert exposer.expose(TOOLS, policy("files/*", "new/*", "off/*"), states).unavailable == ("files", "new")
    assert exposer.expose(TOOLS, policy("*/*"), states).unavailable == ("files", "web", "new")
    assert exposer.expose(TOOLS, policy("git/*"), states).unavailable == ()


def test_the_tools_of_a_server_that_is_down_stay_so_that_prompts_stay_the_same():
    exposure = Exposer[Policy]().expose(TOOLS, policy("files/*"), {"files": "down"})
    assert names(exposure) == ["files/read_file", "files/write_file"]


def required(patterns: list[str], given: Policy, states: dict[str, ServerState]) -> None:
    check_required(Exposer[Policy]().expose(TOOLS, given, states), patterns)


def test_a_requirement_that_is_served_is_met():
    required(["files/*", "git/log"], policy("*/*"), READY)
    required([], policy("*/*"), {})


def test_a_requirement_on_a_server_that_is_down_is_refused_with_its_name():
    states: dict[str, ServerState] = {"files": "down", "git": "ready", "new": "starting"}
    with pytest.raises(ToolsUnavailable, match="files"):
        required(["git/*", "files/read_file"], policy("*/*"), states)
    with pytest.raises(ToolsUnavailable, match="new"):
        required(["new/anything"], policy("*/*"), states)
    required(["git/*"], policy("*/*"), states)


def test_a_requirement_on_a_hidden_tool_answers_like_one_on_a_tool_that_was_never_there():
    told = []
    for pattern in ("git/push", "git/never"):
        with pytest.raises(InvalidRequest) as caught:
            required([pattern], policy("git/log"), READY)
        told.append((caught.value.message.replace(pattern, "?"), caught.value.code, caught.value.param))
    assert told[0] == told[1]


def test_a_requirement_on_a_hidden_server_that_is_down_does_not_tell_that_it_is_there():
    with pytest.raises(InvalidRequest):
        required(["files/*"], policy("git/*"), {"files": "down", "git": "ready"})


def test_a_tool_of_the_clients_with_the_name_of_one_of_ours_is_refused():
    ours = {tool.wire_name for tool in TOOLS.tools}
    theirs = [ToolDefinition("fine", "", {}), ToolDefinition("git__log", "", {})]
    check_names(ours, theirs[:1])
    with pytest.raises(InvalidRequest, match="git__log") as caught:
        check_names(ours, theirs)
    assert caught.value.param == "tools[1].function.name"


def test_text_that_would_deceive_a_reader_is_made_visible_in_definitions_and_nowhere_else():
    schema = {
        "type": "object",
        "title": "t\u202e",
        "properties": {"pa\u200bth": {"description": "d\U000e0041", "enum": ["\u200b"], "title": "x\x1b"}},
        "anyOf": [{"properties": {"q": {"description": "z\u2066"}}}],
    }
    listing = read_listing("s", [listed("t", description="hi\U000e0049den", inputSchema=schema)])
    definition = define(listing.tools[0])
    assert definition.description == "hi\\u{e0049}den"
    assert definition.parameters["title"] == "t\\u{202e}"
    (name, shown) = next(
        iter((name, one) for name, one in definition.parameters["properties"].items() if "pa" in name)
    )
    assert name == "pa\u200bth", "the server knows the argument by this name"
    assert shown == {"description": "d\\u{e0041}", "enum": ["\u200b"], "title": "x\\u{1b}"}
    assert definition.parameters["properties"]["q"]["description"] == "z\\u{2066}"


def test_a_tool_without_a_description_is_described_by_its_title():
    listing = read_listing("s", [{"name": "t", "title": "The Title", "inputSchema": {}}])
    assert define(listing.tools[0]).description == "The Title"


def test_a_server_that_renames_its_tools_for_ever_fills_nothing():
    exposer = Exposer[Policy](remembered=2)
    for generation in range(1, 50):
        exposer.expose(catalogue(generation, files=[f"tool_{generation}"]), policy("*/*"), READY)
    assert len(exposer._defined) == 1


@pytest.mark.parametrize("levels", [10, 245, 250, 252])
def test_no_schema_is_so_deep_that_a_request_with_it_cannot_be_written(levels: int):
    deep: Any = "x"
    for _ in range(levels):
        deep = [deep]
    schema = {"type": "object", "properties": {"a": {"type": "array", "default": deep}}}
    (tool,) = read_listing("s", [listed("t")]).tools
    written: Any = define(replace(tool, input_schema=schema)).parameters
    for _ in range(20):
        written = [written]
    assert (b'"x"' in orjson.dumps(written)) is (levels == 10)


def test_a_description_of_megabytes_does_not_go_to_the_model_with_every_request():
    (tool,) = read_listing("s", [listed("t", description="d" * 2_000_000)]).tools
    assert define(tool).description == "d" * 16 * 1024
