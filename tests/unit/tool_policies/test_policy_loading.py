from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from tests.unit.tool_policies.policy_texts import READERS, findings, policies
from tool_policies import PolicyFile, load_policies, load_yaml, policy_schema

WRONG = """\
version: 1
policies:
  readers:
    allow: files/*
    deny: ["files", "*/write_**", 3]
    rules:
      - id: a
        tols: ["files/*"]
        require: {properties: {path: {maxLenght: 3}}}
      - id: b
        tools: []
        within: {path: workspace}
      - id: c
        tools: ["files/*"]
        within: {path: /workspace}
        else: warn
      - id: deny
        tools: ["files/*"]
        require: false
  "two words": {}
polices: {}
"""


def test_a_good_file_has_no_findings():
    assert findings(READERS) == ()
    assert policies(READERS).names == ("readers", "editors")


def test_all_errors_of_a_file_come_at_once_with_line_field_and_hint():
    found = {(finding.line, finding.field): finding for finding in findings(WRONG)}
    assert set(found) == {
        (4, "policies.readers.allow"),
        (5, "policies.readers.deny[0]"),
        (5, "policies.readers.deny[1]"),
        (5, "policies.readers.deny[2]"),
        (7, "policies.readers.rules[0].tools"),
        (8, "policies.readers.rules[0].tols"),
        (9, "policies.readers.rules[0].require.properties.path.maxLenght"),
        (11, "policies.readers.rules[1].tools"),
        (12, "policies.readers.rules[1].within.path"),
        (16, "policies.readers.rules[2].else"),
        (17, "policies.readers.rules[3].id"),
        (20, "policies.two words"),
        (21, "polices"),
    }
    assert found[8, "policies.readers.rules[0].tols"].hint == "did you mean 'tools'?"
    assert found[21, "polices"].hint == "did you mean 'policies'?"
    assert found[5, "policies.readers.deny[0]"].hint == "write 'files/*' for all tools of it"
    assert all(finding.severity == "error" and finding.file == "policies.yaml" for finding in found.values())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{rules: [{id: a, tools: ['x/y']}]}", "checks nothing"),
        ("{rules: [{id: a, tools: ['x/y'], require: }]}", "a schema must be"),
        ("{rules: [{id: a, tools: ['x/y'], when: , require: false}]}", "a schema must be"),
        ("{rules: [{id: a, tools: ['x/y'], require: false, relative_to: /a}]}", "means nothing without `within`"),
        ("{rules: [{id: a, tools: ['x/y'], within: {a: /a}, relative_to: here}]}", "absolute path"),
        ("{rules: [{id: a, tools: ['x/y'], within: {a: /a}, relative_to: }]}", "absolute path"),
        ("{rules: [{id: a, tools: ['x/y'], within: {a: /a/../b}}]}", "absolute path"),
        ("{rules: [{id: a, tools: ['x/y'], within: {a..b: /a}}]}", "words with dots"),
        ("{rules: [{id: a, tools: ['x/y'], within: {a: }}]}", "absolute path"),
        ("{rules: [{id: a, tools: ['x/y'], within: }]}", "must be a mapping"),
        ("{rules: [{id: a, tools: ['x/y'], require: false, message: ''}]}", "1 to 1000 characters"),
        ("{rules: [{id: a b, tools: ['x/y'], require: false}]}", "a name has"),
        ("{rules: [{id: 7, tools: ['x/y'], require: false}]}", "a name has"),
        ("{rules: [{tools: ['x/y'], require: false}]}", "is missing"),
        ("{rules: {a: 1}}", "must be a list"),
        ("{allow: }", "must be a list"),
        ("", "must be a mapping"),
        ("[]", "must be a mapping"),
        (
            "{rules: [{id: a, tools: ['x/y'], require: false}, {id: a, tools: ['x/y'], require: false}]}",
            "another rule",
        ),
    ],
)
def test_a_policy_that_would_not_do_what_it_says_is_refused(body, message):
    found = [
        finding for finding in findings(f"version: 1\npolicies:\n  p: {body}\n") if finding.severity == "error"
    ]
    assert [finding.line for finding in found] == [3]
    assert message in found[0].message


@pytest.mark.parametrize(
    ("text", "field", "message"),
    [
        ("", None, "empty"),
        ("# nothing\n", None, "empty"),
        ("[]", None, "must be a mapping"),
        ("policies: {}", "version", "missing"),
        ("version: 2\npolicies: {}", "version", "must be 1"),
        ("version: '1'\npolicies: {}", "version", "must be 1"),
        ("version: true\npolicies: {}", "version", "must be 1"),
        ("version: 1", "policies", "missing"),
        ("version: 1\npolicies: []", "policies", "mapping"),
        ("version: 1\npolicies: {a: [}", None, "not valid YAML"),
    ],
)
def test_a_file_of_another_kind_is_refused(text, field, message):
    (found,) = findings(text)
    assert (found.severity, found.field) == ("error", field)
    assert message in found.message


def test_with_an_error_in_any_file_there_are_no_policies_at_all():
    loaded, found = load_policies([PolicyFile("a.yaml", READERS), PolicyFile("b.yaml", "version: 3")])
    assert loaded.names == ()
    assert {finding.file for finding in found} == {"b.yaml"}


def test_a_policy_is_not_in_two_files():
    other = "version: 1\npolicies:\n  more: {}\n  editors: {}\n"
    loaded, found = load_policies([PolicyFile("a.yaml", READERS), PolicyFile("b.yaml", other)])
    assert loaded.names == ()
    assert [(finding.file, finding.line, finding.field) for finding in found] == [
        ("b.yaml", 4, "policies.editors")
    ]
    assert "a.yaml" in found[0].message


def test_several_files_make_one_set_in_their_order():
    other = "version: 1\npolicies: {a: {}}"
    loaded, found = load_policies([PolicyFile("a.yaml", READERS), PolicyFile("b.yaml", other)])
    assert (loaded.names, found) == (("readers", "editors", "a"), ())


def test_findings_read_like_a_compilers():
    assert str(findings("version: 1\npolicies:\n  p: {alow: []}")[0]) == (
        "policies.yaml:3: error: policies.p.alow: unknown key 'alow'\n  hint: did you mean 'allow'?"
    )


def test_no_names_deny_and_unknown_names_raise():
    loaded = policies(READERS)
    assert loaded.policy_for([]).decide("files/read_a", {}).rule == "default-deny"
    with pytest.raises(KeyError):
        loaded.policy_for(["readers", "nobody"])


def test_the_same_names_give_the_same_policy():
    loaded = policies(READERS)
    assert loaded.policy_for(["readers", "editors"]) is loaded.policy_for(["readers", "editors", "readers"])


def test_the_schema_for_editors_takes_what_the_loader_takes():
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid(load_yaml(READERS).value)
    assert not validator.is_valid(load_yaml(WRONG).value)
    assert "null" not in str(schema["$defs"]["RuleDocument"])
