from __future__ import annotations

import pytest

from tests.unit.tool_policies.policy_texts import findings


def warnings(body: str) -> list[tuple[str | None, str]]:
    found = findings(f"version: 1\npolicies:\n  p: {{{body}}}\n")
    assert all(finding.severity == "warning" and finding.line == 3 and finding.hint for finding in found)
    return [(finding.field, finding.message) for finding in found]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ("allow: ['*/*']", "allow[0]", "every tool of every server"),
        ("allow: ['a/read_*'], deny: ['a/*']", "allow[0]", "allows nothing: a/*"),
        ("allow: ['a/b'], deny: ['*/b']", "allow[0]", "allows nothing: */b"),
        ("allow: ['a/*'], rules: [{id: r, tools: ['b/*'], require: false}]", "rules[0].tools", "never applies"),
        (
            "allow: ['a/*'], deny: ['a/b*'], rules: [{id: r, tools: ['a/b', 'a/bc*'], require: false}]",
            "rules[0].tools",
            "never applies: `deny`",
        ),
        (
            "rules: [{id: r, tools: ['a/*'], require: {properties: {path: {pattern: '^/workspace'}}}}]",
            "rules[0].require.properties.path.pattern",
            "does not keep a path in its folder",
        ),
        (
            "rules: [{id: r, tools: ['a/*'], when: {properties: {file_paths: {items: {pattern: '^(/a|/b)/'}}}},"
            " require: false}]",
            "rules[0].when.properties.file_paths.items.pattern",
            "does not keep a path in its folder",
        ),
        (
            "rules: [{id: r, tools: ['a/*'], require: {properties: {host: {pattern: 'example.com'}}}}]",
            "rules[0].require.properties.host.pattern",
            "anywhere in the text",
        ),
    ],
)
def test_what_is_hardly_meant_is_warned_about(body, field, message):
    ((where, said),) = warnings(body)
    assert where == f"policies.p.{field}"
    assert message in said


@pytest.mark.parametrize(
    "body",
    [
        "allow: ['a/*'], deny: ['a/b']",
        "allow: ['*/read_*']",
        "allow: ['a/read_*'], rules: [{id: r, tools: ['*/*'], require: false}]",
        "rules: [{id: r, tools: ['b/*'], require: false}]",
        "deny: ['a/b'], rules: [{id: r, tools: ['a/*'], require: false}]",
        "rules: [{id: r, tools: ['a/*'], require: {properties: {to: {pattern: '@example\\.com$'}}}}]",
        "rules: [{id: r, tools: ['a/*'], require: {properties: {body: {not: {pattern: 'https?:'}}}}}]",
        "rules: [{id: r, tools: ['a/*'], require: {properties: {body: {const: {pattern: x}}}}}]",
        "rules: [{id: r, tools: ['a/*'], within: {source: /w, destination: /w}}]",
        "rules: [{id: r, tools: ['a/*'], within: {path: /w}}, {id: s, tools: ['b/*'], within: {path: /v}}]",
        "rules: [{id: r, tools: ['a/*'], within: {source: /w, destination: /w/out}, relative_to: /w}]",
        "rules: [{id: r, tools: ['a/*'], when: {properties: {body: {pattern: x}}}, require: false}]",
    ],
)
def test_what_may_well_be_meant_is_not(body):
    assert warnings(body) == []


def test_warnings_do_not_keep_a_file_from_being_used():
    text = "version: 1\npolicies: {p: {allow: ['*/*']}}"
    assert [finding.severity for finding in findings(text)] == ["warning"]
