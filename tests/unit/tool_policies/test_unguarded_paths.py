from __future__ import annotations

import pytest

from tests.unit.tool_policies.policy_texts import one_policy
from tool_policies import unguarded_paths

MOVE = {
    "type": "object",
    "properties": {
        "source": {"type": "string"},
        "destination": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "mode": {"type": "string"},
        "edits": {"type": "array", "items": {"type": "object", "properties": {"filePath": {"type": "string"}}}},
        "files": {"type": "array", "items": {"type": "string"}},
        "path": {"type": "integer"},
    },
}


@pytest.mark.parametrize(
    ("within", "unguarded"),
    [
        ("{path: /w}", ("source", "destination", "edits.filePath", "files")),
        ("{source: /w, destination: /w}", ("edits.filePath", "files")),
        ("{source: /w, destination: /w, edits.filePath: /w, files: /w}", ()),
    ],
)
def test_path_arguments_that_a_within_forgot_are_named(within, unguarded):
    policy = one_policy(f"allow: ['a/*'], rules: [{{id: r, tools: ['a/*'], within: {within}}}]").policy_for(["p"])
    assert unguarded_paths(policy, "a/move", MOVE) == unguarded


def test_a_tool_whose_paths_nobody_guards_is_left_alone():
    policy = one_policy("allow: ['*/*'], rules: [{id: r, tools: ['a/*'], within: {path: /w}}]").policy_for(["p"])
    assert unguarded_paths(policy, "b/move", MOVE) == ()
    assert unguarded_paths(policy.narrowed(["b/*"]), "a/move", MOVE) == ()


def test_a_schema_that_goes_round_or_is_broken_does_no_harm():
    policy = one_policy("allow: ['a/*'], rules: [{id: r, tools: ['a/*'], within: {path: /w}}]").policy_for(["p"])
    endless: dict = {"properties": {}}
    endless["properties"]["dir"] = endless
    assert unguarded_paths(policy, "a/move", endless) == ()
    assert unguarded_paths(policy, "a/move", {"properties": 3, "anyOf": 4}) == ()
