"""Which deployments a request may go to."""

from __future__ import annotations

import pytest

from gateway.conversation import Media, Message, ModelRequest, Text, ToolCall, ToolDefinition, ToolResult
from gateway.errors import InvalidRequest
from gateway.providers import make_provider
from gateway.routing import Asking, Pick, Plan, Rule, Target, narrowed, needs_of
from gateway.routing.narrowing import BYTES_PER_TOKEN
from gateway.routing.resolution import Resolver, fallbacks

PROVIDERS = {name: make_provider(name, base_url="http://127.0.0.1:9/v1") for name in ("one", "two", "three")}


def way(*targets, rules=(), **more):
    models = {"smart": targets, **more.pop("models", {})}
    plans = {
        "smart": Plan(rules=tuple(rules), **more),
    }
    return Resolver(PROVIDERS, models, plans).resolve("smart", ["*"])


def left(route, **asking):
    return [one.provider.name for one in narrowed(route, Asking(**{"key": "agent-1", **asking})).deployments]


EU, US, ANYWHERE = Target("one", region="eu"), Target("two", region="us"), Target("three")


def test_a_model_without_conditions_is_no_matter_of_the_request():
    assert not way(EU, US, ANYWHERE).is_conditional
    assert way(EU, US, rules=[Rule("r", Pick())]).is_conditional
    assert way(Target("one", capabilities=frozenset({"tools"}))).is_conditional
    assert way(Target("one", context_tokens=5)).is_conditional
    assert way(EU, US, strategy="lowest_cost").is_conditional


def test_a_key_that_is_bound_to_regions_stays_in_them():
    assert left(way(EU, US, ANYWHERE)) == ["one", "two", "three"]
    assert left(way(EU, US, ANYWHERE), regions=frozenset({"eu"})) == ["one"]
    with pytest.raises(InvalidRequest, match=r"none is in a region that this key is bound to \(eu\)") as caught:
        left(way(US, ANYWHERE), regions=frozenset({"eu"}))
    assert (caught.value.code, caught.value.param, caught.value.status) == ("no_deployment", "model", 400)


@pytest.mark.parametrize(
    ("rule", "asking", "holds"),
    [
        ({"keys": ("agent-*",)}, {}, True),
        ({"keys": ("other",)}, {}, False),
        ({"teams": frozenset({"a", "b"})}, {"team": "b"}, True),
        ({"teams": frozenset({"a"})}, {}, False),
        ({"tags": frozenset({"x", "y"})}, {"tags": frozenset({"y", "z"})}, True),
        ({"tags": frozenset({"x"})}, {"tags": frozenset({"y"})}, False),
        ({"needs": frozenset({"vision", "tools"})}, {"needs": frozenset({"vision", "tools", "audio"})}, True),
        ({"needs": frozenset({"vision", "tools"})}, {"needs": frozenset({"vision"})}, False),
        ({"at_least": 100}, {"body_bytes": 100}, True),
        ({"at_least": 100}, {"body_bytes": 99}, False),
        ({"below": 100}, {"body_bytes": 99}, True),
        ({"below": 100}, {"body_bytes": 100}, False),
        ({"keys": ("agent-1",), "at_least": 100}, {"body_bytes": 5}, False),
    ],
)
def test_a_rule_holds_for_requests_of_which_all_of_it_is_true(rule, asking, holds):
    route = way(EU, US, rules=[Rule("r", Pick(regions=frozenset({"us"})), **rule)])
    assert left(route, **asking) == (["two"] if holds else ["one", "two"])


def test_the_first_rule_that_holds_decides():
    rules = [
        Rule("first", Pick(providers=frozenset({"two"})), teams=frozenset({"a"})),
        Rule("second", Pick(providers=frozenset({"one"}))),
    ]
    assert left(way(EU, US, rules=rules), team="a") == ["two"]
    assert left(way(EU, US, rules=rules), team="b") == ["one"]


def test_a_rule_picks_those_with_all_of_its_tags():
    targets = [
        Target("one", tags=frozenset({"fast", "inside"})),
        Target("two", tags=frozenset({"fast"})),
        Target("three"),
    ]
    assert left(way(*targets, rules=[Rule("r", Pick(tags=frozenset({"fast"})))])) == ["one", "two"]
    assert left(way(*targets, rules=[Rule("r", Pick(tags=frozenset({"fast", "inside"})))])) == ["one"]


def test_what_left_none_is_named_and_nobody_elses_keys_are():
    rules = [
        Rule("own-data", Pick(regions=frozenset({"us"})), keys=("agent-1", "secret-project")),
    ]
    with pytest.raises(InvalidRequest) as caught:
        left(way(EU, US, rules=rules), regions=frozenset({"eu"}))
    assert caught.value.message == (
        "model: no deployment of 'smart' may serve this request: of those that the rule 'own-data' leaves, "
        "none is in a region that this key is bound to (eu)"
    )
    with pytest.raises(InvalidRequest, match="the rule 'nowhere' leaves none"):
        left(way(EU, US, rules=[Rule("nowhere", Pick(regions=frozenset({"eu"}), providers=frozenset({"two"})))]))


def test_a_deployment_that_lacks_what_the_request_needs_is_passed_over():
    blind = Target("one", capabilities=frozenset({"tools", "streaming"}))
    seeing = Target("two", capabilities=frozenset({"tools", "vision"}))
    assert left(way(blind, seeing), needs=frozenset({"tools", "vision"})) == ["two"]
    assert left(way(blind, ANYWHERE), needs=frozenset({"vision"})) == ["three"]  # nothing is known of the third
    with pytest.raises(InvalidRequest, match=r"none has what the request needs \(audio\)"):
        left(way(blind, seeing), needs=frozenset({"audio", "tools"}))


def test_long_requests_go_where_they_fit_and_to_all_where_they_fit_nowhere():
    small, large = Target("one", context_tokens=100), Target("two", context_tokens=1000)
    assert left(way(small, large), body_bytes=100 * BYTES_PER_TOKEN) == ["one", "two"]
    assert left(way(small, large), body_bytes=101 * BYTES_PER_TOKEN) == ["two"]
    assert left(way(small, large), body_bytes=9999 * BYTES_PER_TOKEN) == ["one", "two"]


def test_fallbacks_are_narrowed_by_rules_of_their_own():
    models = {
        "smart": [EU],
        "fast": [US, ANYWHERE],
    }
    plans = {
        "smart": Plan(fallback=("fast",)),
        "fast": Plan(rules=(Rule("r", Pick(providers=frozenset({"three"}))),)),
    }
    route = Resolver(PROVIDERS, models, plans).resolve("smart", ["smart"])
    assert [one.provider.name for one in route.deployments] == ["one", "two", "three"]
    assert left(route) == ["one", "three"]
    assert left(route, regions=frozenset({"eu"})) == ["one"]


def test_a_chain_of_fallbacks_names_each_once_and_ends():
    plans = {"a": Plan(fallback=("b", "d")), "b": Plan(fallback=("c", "a")), "c": Plan(fallback=("b",))}
    assert fallbacks("a", plans) == ["b", "c", "d"]
    assert fallbacks("d", plans) == []


@pytest.mark.parametrize(
    ("fallback", "message"), [("nowhere", "no alias"), ("p-*", "no alias"), ("smart", "back to itself")]
)
def test_a_fallback_that_leads_nowhere_is_refused(fallback: str, message: str):
    with pytest.raises(ValueError, match=message):
        Resolver(PROVIDERS, {"smart": [EU], "p-*": [EU]}, {"smart": Plan(fallback=(fallback,))})


# What a request needs.


def request(*parts, **fields):
    return ModelRequest("smart", (Message("user", parts),), "openai_chat", **fields)


IMAGE, SOUND, FILE = Media("image", data="aa"), Media("audio", data="aa"), Media("file", data="aa")


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        (request(Text("hi")), set()),
        (request(Text("hi"), stream=True), {"streaming"}),
        (request(Text("hi"), structured_output=True), {"structured_output"}),
        (request(Text("hi"), tools=(ToolDefinition("t", "", {}),)), {"tools"}),
        (request(Text("hi"), IMAGE, SOUND, FILE), {"vision", "audio", "documents"}),
        (request(ToolCall("1", "t", "{}")), {"tools"}),
        (request(ToolResult("1", (Text("x"), IMAGE))), {"vision"}),
    ],
)
def test_what_a_request_needs_follows_from_the_request(given, needs):
    assert needs_of(given) == needs
