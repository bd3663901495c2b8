from __future__ import annotations

import json
from collections import OrderedDict
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exposure.exposure import VisibilityPolicy
from gateway.tool_calls.ports import ToolPolicy
from tests.unit.tool_policies.policy_texts import READERS, one_policy, policies
from tool_policies import InvalidPattern, Policy, PolicySet, explain
from tool_policies.decision import STRICTNESS
from tool_policies.paths import why_outside


@pytest.mark.parametrize(
    ("tool", "arguments", "verdict", "rule"),
    [
        ("files/read_file", {"path": "/workspace/a"}, "allow", "readers/allow"),
        ("files/read_file", {}, "allow", "readers/allow"),
        ("files/read_file", {"path": "a"}, "deny", "readers/inside-workspace"),
        ("time/now", {"zone": "UTC"}, "allow", "readers/allow"),
        ("time/now", {"path": "/etc"}, "allow", "readers/allow"),
        ("files/read_file", {"path": "/workspace/../etc"}, "deny", "readers/inside-workspace"),
        ("files/read_file", {"path": 1}, "deny", "readers/inside-workspace"),
        ("files/read_file", {"path": None}, "deny", "readers/inside-workspace"),
        ("files/read_file", {"path": {"a": "/workspace"}}, "deny", "readers/inside-workspace"),
        ("files/read_many", {"paths": ["/workspace/a", "/workspace/b"]}, "allow", "readers/allow"),
        ("files/read_many", {"paths": []}, "allow", "readers/allow"),
        ("files/read_many", {"paths": ["/workspace/a", "/etc"]}, "deny", "readers/inside-workspace"),
        ("files/read_many", {"paths": ["/workspace/a", 1]}, "deny", "readers/inside-workspace"),
        ("files/read_many", {"paths": [["/workspace/a"]]}, "deny", "readers/inside-workspace"),
        ("files/list_all", {"path": "/workspace/" + "a" * 10}, "deny", "readers/short-lists"),
        ("files/list_all", {"path": "/workspace"}, "allow", "readers/allow"),
        ("files/delete", {}, "deny", "default-deny"),
        ("files/write_file", {"path": "/workspace/a"}, "deny", "readers/deny"),
        ("time/write_x", {}, "deny", "readers/deny"),
        ("web/fetch", {}, "deny", "default-deny"),
        ("files", {}, "deny", "default-deny"),
        ("", {}, "deny", "default-deny"),
    ],
)
def test_calls_are_judged_by_patterns_then_by_rules(tool, arguments, verdict, rule):
    policy = policies(READERS).policy_for(["readers"])
    decision = policy.decide(tool, arguments)
    assert (decision.verdict, decision.rule) == (verdict, rule)
    assert policy.visible(tool) == (rule not in ("default-deny", "readers/deny"))


def test_messages_for_the_model_name_the_rule_and_the_argument_and_reasons_the_rest():
    decision = (
        policies(READERS)
        .policy_for(["readers"])
        .decide("files/read_x", {"paths": ["/workspace/a", "/etc/passwd"]})
    )
    assert decision.message == (
        "Refused by the rule readers/inside-workspace: "
        "the argument `paths[1]` lies outside the folder it must be in"
    )
    assert decision.reason == "paths[1]: lies outside the folder it must be in: '/etc/passwd' against /workspace"
    assert "/workspace" not in decision.message


def test_a_rule_may_have_its_own_words_for_the_model():
    loaded = one_policy("allow: ['a/*'], rules: [{id: r, tools: ['a/*'], require: false, message: Ask Dana.}]")
    assert loaded.policy_for(["p"]).decide("a/b", {}).message == "Refused by the rule p/r: Ask Dana."


def test_a_reason_stays_on_one_line_and_quotes_no_values_but_paths():
    loaded = one_policy(
        "allow: ['a/*'], rules: [{id: r, tools: ['a/*'], within: {path: /w}},"
        " {id: s, tools: ['a/*'], require: {properties: {token: {maxLength: 3}}}}]"
    )
    policy = loaded.policy_for(["p"])
    outside = policy.decide("a/b", {"path": "/x\n\u202e" + "y" * 9000})
    assert outside.reason.isprintable()
    assert len(outside.reason) < 500
    assert "hunter2" not in str(policy.decide("a/b", {"token": "hunter2"}))


WHEN = (
    "allow: ['git/*'], rules: [{id: main-is-asked, tools: ['git/push'],"
    " when: {properties: {branch: {const: main}}, required: [branch]}, require: false, else: ask},"
    " {id: no-force, tools: ['git/push'],"
    " require: {not: {properties: {force: {const: true}}, required: [force]}}}]"
)


@pytest.mark.parametrize(
    ("tool", "arguments", "verdict", "rule"),
    [
        ("git/push", {"branch": "topic"}, "allow", "p/allow"),
        ("git/push", {"branch": "main"}, "ask", "p/main-is-asked"),
        ("git/push", {"branch": "main", "force": True}, "deny", "p/no-force"),
        ("git/push", {"branch": "topic", "force": True}, "deny", "p/no-force"),
        ("git/pull", {"branch": "main", "force": True}, "allow", "p/allow"),
    ],
)
def test_a_rule_counts_for_the_calls_it_selects_and_the_strictest_wins(tool, arguments, verdict, rule):
    decision = one_policy(WHEN).policy_for(["p"]).decide(tool, arguments)
    assert (decision.verdict, decision.rule) == (verdict, rule)


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"edits": [{"path": "/w/a"}, {"path": "/w/b"}]}, None),
        ({"edits": {"path": "/w/a"}}, None),
        ({"edits": {"path": ["/w/a", "/w/b"]}}, None),
        ({"edits": []}, None),
        ({"edits": [{}]}, None),
        ({"other": "/etc"}, None),
        ({"edits": [{"path": "/w/a"}, {"path": "/etc"}]}, "edits[1].path"),
        ({"edits": [[{"path": "/etc"}]]}, "edits[0][0].path"),
        ({"edits": {"path": ["/w/a", "/etc"]}}, "edits.path[1]"),
        ({"edits.path": "/etc"}, "edits.path"),
        ({"edits.path": "/etc", "edits": {"path": "/w"}}, "edits.path"),
        ({"edits": "/w/a"}, "edits"),
        ({"edits": ["/w/a"]}, "edits[0]"),
        ({"edits": None}, "edits"),
        ({"edits": [{"path": {"path": "/w/a"}}]}, "edits[0].path"),
    ],
)
def test_a_dotted_name_reaches_into_objects_and_through_lists(arguments, where):
    loaded = one_policy("allow: ['a/*'], rules: [{id: r, tools: ['a/*'], within: {edits.path: /w}}]")
    decision = loaded.policy_for(["p"]).decide("a/b", arguments)
    assert (decision.verdict == "allow") == (where is None)
    assert where is None or f"`{where}`" in decision.message


def test_relative_paths_count_from_where_the_rule_says():
    body = "allow: ['a/*'], rules: [{id: r, tools: ['a/*'], within: {path: /w/reports}, relative_to: %s}]"
    started = one_policy(body % "/w").policy_for(["p"])
    assert started.decide("a/b", {"path": "secret"}).verdict == "deny"
    assert started.decide("a/b", {"path": "reports/a"}).verdict == "allow"
    unsaid = one_policy(body.replace(", relative_to: %s", "")).policy_for(["p"])
    assert unsaid.decide("a/b", {"path": "reports/a"}).verdict == "deny"


UNCHECKABLE = (
    "allow: ['a/*'], rules: [{id: r, tools: ['a/*'], else: ask, within: {path: /w}, require: {$defs: {n: {items:"
    " {$ref: '#/$defs/n'}}}, properties: {a: {pattern: '^a*$'}, b: {$ref: '#/$defs/n'}}}}]"
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"a": "a" * 100_000}, "too large to be checked"),
        ({"path": ["/w"] * 10_001}, "too large to be checked"),
        ({"b": json.loads("[" * 900 + "]" * 900)}, "could not be checked"),
    ],
)
def test_what_cannot_be_checked_denies_even_where_a_rule_would_ask(arguments, said):
    decision = one_policy(UNCHECKABLE).policy_for(["p"]).decide("a/b", arguments)
    assert (decision.verdict, decision.rule) == ("deny", "p/r")
    assert said in decision.message


def test_arguments_may_be_any_mapping():
    policy = policies(READERS).policy_for(["readers"])
    for wrap in (MappingProxyType, OrderedDict):
        assert policy.decide("files/list_a", wrap({"path": "/etc"})).verdict == "deny"
        assert policy.decide("files/list_a", wrap({"path": "/workspace"})).verdict == "allow"


def test_several_policies_join_what_they_allow_and_all_that_they_forbid():
    loaded = policies(READERS)
    both = loaded.policy_for(["editors", "readers"])
    assert loaded.policy_for(["editors"]).decide("files/write_file", {}).verdict == "allow"
    assert both.decide("files/write_file", {}).rule == "readers/deny"
    assert both.decide("files/delete", {"path": "/etc"}).rule == "readers/inside-workspace"
    assert both.decide("files/delete", {"path": "/workspace/a"}).rule == "editors/allow"
    assert both.visible("time/now")


@pytest.mark.parametrize(
    ("policies_of_key", "narrowings", "server", "reached"),
    [
        (["readers"], [], "files", True),
        (["readers"], [], "web", False),
        ([], [], "files", False),
        (["readers"], [["files/read_*"]], "files", True),
        (["readers"], [["files/*"]], "time", False),
        (["readers"], [["files/delete_*"]], "files", False),
        (["readers"], [["*/read_a", "time/*"]], "files", True),
        (["readers"], [[]], "files", False),
        (["readers"], [["files/*"], ["time/*"]], "files", False),
        (["readers"], [["*/write_*"]], "time", True),
    ],
)
def test_a_server_is_reached_when_some_tool_of_it_could_be_seen(policies_of_key, narrowings, server, reached):
    policy = policies(READERS).policy_for(policies_of_key)
    for narrowing in narrowings:
        policy = policy.narrowed(narrowing)
    assert policy.reaches(server) is reached


def test_a_server_that_is_denied_whole_is_not_reached():
    loaded = one_policy("allow: ['*/read_*', 'b/*'], deny: ['a/*', 'b/read_*']")
    policy = loaded.policy_for(["p"])
    assert [policy.reaches(server) for server in "abc"] == [False, True, True]


def test_narrowing_leaves_what_every_list_names():
    policy = policies(READERS).policy_for(["readers"])
    narrowed = policy.narrowed(["files/*"]).narrowed(["*/read_*", "time/*"])
    assert narrowed.visible("files/read_a")
    assert not narrowed.visible("files/list_a")
    assert not narrowed.visible("time/now")
    assert narrowed.decide("time/now", {}).rule == "narrowed"
    assert not policy.narrowed([]).visible("files/read_a")
    assert policy.visible("time/now")


def test_a_narrowing_that_cannot_be_read_is_refused():
    with pytest.raises(InvalidPattern):
        policies(READERS).policy_for(["readers"]).narrowed(["files/[a]"])


def test_what_is_remembered_of_tools_is_bounded():
    policy = policies(READERS).policy_for(["readers"])
    for number in range(10_000):
        policy.decide(f"files/read_{number}", {})
    assert len(policy._known) <= 4096


def test_policies_are_what_the_gateway_takes():
    policy = policies(READERS).policy_for(["readers"])
    for_calls: ToolPolicy = policy
    for_lists: VisibilityPolicy = policy
    assert for_calls.decide("time/now", {}).verdict == "allow"
    assert isinstance(for_lists.narrowed(["time/*"]), Policy)


NAMES = st.sampled_from(["s/a", "s/ab", "s/b", "t/a", "t/b"])
PATTERN = st.sampled_from(["s/*", "*/a", "*/*b", "t/a", "s/a*", "*/*", "t/*"])
RULE = st.fixed_dictionaries(
    {
        "tools": st.lists(PATTERN, min_size=1, max_size=2),
        "require": st.sampled_from([True, False, {"required": ["x"]}, {"properties": {"x": {"const": 1}}}]),
        "else": st.sampled_from(["ask", "deny"]),
    },
    optional={
        "when": st.sampled_from([True, False, {"required": ["y"]}]),
        "within": st.sampled_from([{"x": "/w"}, {"y": "/w/v"}]),
    },
)
BODY = st.fixed_dictionaries(
    {
        "allow": st.lists(PATTERN, max_size=2),
        "deny": st.lists(PATTERN, max_size=1),
        "rules": st.lists(RULE, max_size=3),
    }
)
BODIES = st.lists(BODY, min_size=1, max_size=3)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["x", "y"]), st.sampled_from([1, "/w", "/w/v/a", "v", "..", ["/w/v"], None])
)


def compiled(bodies) -> PolicySet:
    for body in bodies:
        for index, rule in enumerate(body["rules"]):
            rule["id"] = f"r{index}"
    return policies(json.dumps({"version": 1, "policies": {f"p{n}": body for n, body in enumerate(bodies)}}))


def strictness(policy: Policy, tool, arguments) -> int:
    return STRICTNESS[policy.decide(tool, arguments).verdict]


@given(BODIES, st.lists(PATTERN, max_size=2), NAMES, ARGUMENTS)
def test_narrowing_never_widens_and_never_changes_what_it_leaves(bodies, patterns, tool, arguments):
    loaded = compiled(bodies)
    policy = loaded.policy_for(loaded.names)
    narrowed = policy.narrowed(patterns)
    if narrowed.visible(tool):
        assert policy.visible(tool)
        assert narrowed.reaches(tool.partition("/")[0])
        assert narrowed.decide(tool, arguments) == policy.decide(tool, arguments)
    else:
        assert narrowed.decide(tool, arguments).verdict == "deny"


@given(BODIES, NAMES, ARGUMENTS)
def test_a_policy_more_can_only_allow_more_tools_never_looser_rules(bodies, tool, arguments):
    loaded = compiled(bodies)
    all_but_last, everything = loaded.policy_for(loaded.names[:-1]), loaded.policy_for(loaded.names)
    if all_but_last.visible(tool):
        assert strictness(everything, tool, arguments) >= strictness(all_but_last, tool, arguments)
    elif everything.visible(tool):
        assert loaded.policy_for(loaded.names[-1:]).visible(tool)


@given(BODIES, NAMES, ARGUMENTS)
def test_the_order_of_policies_does_not_change_a_verdict(bodies, tool, arguments):
    loaded = compiled(bodies)
    forth, back = loaded.policy_for(loaded.names), loaded.policy_for(loaded.names[::-1])
    assert forth.decide(tool, arguments).verdict == back.decide(tool, arguments).verdict


@given(BODIES, NAMES, ARGUMENTS)
def test_an_explanation_ends_in_the_decision_and_shows_no_rule_stricter_than_it(bodies, tool, arguments):
    loaded = compiled(bodies)
    found = explain(loaded, loaded.names, tool, arguments)
    assert found.decision == loaded.policy_for(loaded.names).decide(tool, arguments)
    rules = [rule for part in found.policies for rule in part.rules]
    assert all(STRICTNESS[rule.verdict] <= STRICTNESS[found.decision.verdict] for rule in rules) or not any(
        part.allowed_by for part in found.policies
    )
    applied = {rule.rule for rule in rules if rule.matched == "applied" and rule.verdict == found.decision.verdict}
    patterns = {"default-deny"} | {f"{name}/{kind}" for name in loaded.names for kind in ("allow", "deny")}
    assert found.decision.rule in applied | patterns


@given(BODIES, NAMES, ARGUMENTS)
def test_a_server_with_a_visible_tool_is_always_reached(bodies, tool, arguments):
    loaded = compiled(bodies)
    policy = loaded.policy_for(loaded.names)
    if policy.visible(tool):
        assert policy.reaches(tool.partition("/")[0])


@given(st.sampled_from(["/w", "/w/a", "/w/../x", "/w-2", "a", "../w", "..", "/w/%2e%2e/x", "", "/"]))
def test_within_decides_as_the_paths_say(path):
    loaded = one_policy("allow: ['a/*'], rules: [{id: r, tools: ['a/*'], within: {path: /w}}]")
    decision = loaded.policy_for(["p"]).decide("a/b", {"path": path})
    assert (decision.verdict == "allow") == (why_outside(path, "/w") is None)
