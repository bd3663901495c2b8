"""A person's file gets a server more, and keeps all that they wrote."""

from __future__ import annotations

import textwrap

import pytest

from gateway.config.editing import EditFault, with_servers
from gateway.config.yaml_lines import yaml_lines
from tool_policies import load_yaml

ENTRY = {"command": "npx", "args": ["-y", "x@1", "${A}"]}


def edited(text: str) -> str:
    return with_servers(text, {"new": ENTRY}, {"new": "# why\n" + yaml_lines({"new": ENTRY})})


BEFORE = [
    "",
    "# only words\n",
    "version: 1\n",
    "version: 1",
    "version: 1\nmcpServers:\nkeys: {}\n",
    "version: 1\nmcpServers:   # none yet\nkeys: {}\n",
    "mcpServers: {}\nkeys: {}\n",
    "mcpServers: {a: {command: x}}  # short\nkeys: {}\n",
    "mcpServers: {a: {command: x},}\n",
    "mcpServers:\n  a: {command: x}   # keep\n\n# about keys\nkeys: {}\n",
    "mcpServers:\n      a:\n        command: x\n        args:\n        - y\n      # the last word\nkeys: {}\n",
    "mcpServers:\n  a:\n    command: x\n    args:\n      - |\n        two\n        lines\n\nkeys: {}\n",
    "mcpServers:\n  a:\n    command: x\n    args:\n    - >-\n      folded\n\n\n# words\nkeys: {}\n",
    "mcpServers: &m\nkeys: {}\n",
    "keys: {}\nmcpServers:\n  a: {command: x}",
    "mcpServers:\n  a: &one {command: x}\n  b: *one\n",
    "mcpServers:\n  ü: {command: 'x # no comment'}\n",
    "version: 1\r\nmcpServers:\r\n  a: {command: x}\r\nkeys: {}\r\n",
    "mcpServers:\n  a:\n    env: {A: '\U0001f600'}  # \U0001f600 counts as one\n    command: x\nkeys: {}\n",
    "# one\n---\nmcpServers:\n  a: {command: x}\n",
    '{"version": 1, "mcpServers": {"a": {"command": "x"}}}',
    '{"version": 1, "keys": {}\n}\n',
]


@pytest.mark.parametrize("text", BEFORE)
def test_the_rest_stays_as_it_was_to_the_letter(text: str):
    after = edited(text)
    before = load_yaml(text).value or {}
    servers = before.get("mcpServers") or {}
    assert load_yaml(after).value == {**before, "mcpServers": {**servers, "new": ENTRY}}
    rest = iter(after)
    assert all(character in rest for character in text), "nothing is taken away"
    kept = {line for line in text.splitlines() if "mcpServers" not in line and not line.startswith("{")}
    assert kept <= set(after.splitlines())


def test_a_block_is_indented_as_its_neighbours_are_and_stands_behind_them():
    text = "mcpServers:\n   a: {command: x}\nkeys: {}\n"
    assert edited(text).startswith("mcpServers:\n   a: {command: x}\n   # why\n   new:\n     command: npx\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mcpServers: {new: {command: x}}", "a server new already"),
        ("mcpServers:\n  new: {command: x}\n", "a server new already"),
        ("mcpServers: [a]\n", "not a mapping"),
        ("mcpServers:\n  ? a\n  : {command: x}\nkeys: {}\n", "safely"),
        ("[a]", "does not hold a mapping"),
        ("a: [", "line 2"),
        ("version: 1\n...\n", "safely"),
        ('{"a": 1, // no YAML\n"b": 2}', "line 2"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused_in_words(text: str, why: str):
    with pytest.raises(EditFault, match=why):
        edited(text)


@pytest.mark.parametrize("text", ["\x85", "a\u2028b", "\u2029 x", "a\nb", "a\x0bb", "\x1c"])
def test_text_with_odd_line_ends_stays_what_it_is_where_it_is_indented(text: str):
    lines = textwrap.indent(yaml_lines({"a": text, "b": [text]}), "  ")
    assert load_yaml(lines).value == {"a": text, "b": [text]}
