from __future__ import annotations

import json

import pytest

from tests.unit.tool_policies.policy_texts import READERS, policies
from tool_policies import explain, render_explanation


def test_every_policy_and_rule_is_listed_matched_or_not():
    found = explain(policies(READERS), ["readers", "editors"], "files/list_all", {"path": "/etc"})
    assert found.decision.rule == "readers/inside-workspace"
    readers, editors = found.policies
    assert (readers.allowed_by, readers.denied_by) == ("files/list_*", None)
    assert [(rule.rule, rule.matched, rule.verdict) for rule in readers.rules] == [
        ("readers/inside-workspace", "applied", "deny"),
        ("readers/short-lists", "applied", "allow"),
    ]
    assert (editors.allowed_by, editors.rules) == ("files/*", ())


def test_an_explanation_reads_as_text():
    found = explain(policies(READERS), ["readers"], "files/read_a", {"path": "/etc"})
    outside = "path: lies outside the folder it must be in: '/etc' against /workspace"
    assert render_explanation(found) == (
        "DENY files/read_a\n"
        f"  by readers/inside-workspace: {outside}\n"
        "policy readers\n"
        "  allow  files/read_*\n"
        "  deny   no pattern names the tool\n"
        f"  deny   readers/inside-workspace: {outside}\n"
        "  -      readers/short-lists: is about files/list_*"
    )


def test_an_explanation_is_json():
    found = explain(policies(READERS), ["readers"], "files/write_a", {})
    value = json.loads(json.dumps(found.to_json()))
    assert value["decision"]["verdict"] == "deny"
    assert value["policies"][0]["denied_by"] == "*/write_*"
    assert value["policies"][0]["rules"][1]["matched"] == "other-tools"


def test_a_key_without_policies_is_told_so():
    text = render_explanation(explain(policies(READERS), [], "files/read_a", {}))
    assert text.startswith("DENY files/read_a\n  by default-deny:")
    assert text.endswith("the key has no policies, so everything is denied")


def test_a_rule_whose_when_leaves_the_call_out_says_why():
    text = """
version: 1
policies:
  p:
    allow: ["git/*"]
    rules:
      - {id: main, tools: ["git/*"], when: {properties: {branch: {const: main}}}, require: false, else: ask}
"""
    (rule,) = explain(policies(text), ["p"], "git/push", {"branch": "topic"}).policies[0].rules
    assert (rule.matched, rule.verdict) == ("not-selected", "allow")
    assert rule.reason == 'does not apply: when is not met (branch: const "main")'


def test_an_unknown_policy_is_an_error():
    with pytest.raises(KeyError):
        explain(policies(READERS), ["nobody"], "a/b", {})
