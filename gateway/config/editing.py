"""Puts servers into a configuration that a person wrote: their comments, their order, their style stay.

The text is changed at one place only, and read again before it is given back: whatever else it says must be the
same. Above: `toolgate servers add`, `config import --write`. Below: PyYAML's nodes, which know where they stand.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any, cast

import yaml

from tool_policies import YamlProblem, load_yaml

_KEY = "mcpServers"


class EditFault(Exception):
    """The text cannot be changed safely; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def with_servers(text: str, servers: Mapping[str, Mapping[str, Any]], blocks: Mapping[str, str]) -> str:
    """The text with these servers behind its own. `blocks` has the lines of each. Raises EditFault."""
    before = _value(text)
    own: Any = before.get(_KEY) or {}
    if not isinstance(own, dict):
        raise EditFault("mcpServers is not a mapping")
    taken = [name for name in servers if name in own]
    if taken:
        raise EditFault(f"there is a server {taken[0]} already")
    changed = _inserted(text, servers, blocks)
    expected = {**before, _KEY: {**cast("dict[str, Any]", own), **servers}}
    try:
        is_right = _value(changed) == expected
    except EditFault:
        is_right = False
    if not is_right:
        raise EditFault("there is no place in it where lines can be added safely")
    return changed


def _value(text: str) -> dict[str, Any]:
    try:
        value: Any = load_yaml(text).value
    except YamlProblem as problem:
        raise EditFault(str(problem)) from None
    if value is not None and not isinstance(value, dict):
        raise EditFault("it does not hold a mapping")
    return cast("dict[str, Any]", value or {})


def _inserted(text: str, servers: Mapping[str, Mapping[str, Any]], blocks: Mapping[str, str]) -> str:
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        return _appended(text, blocks)
    pairs: list[tuple[Any, Any]] = root.value
    here = next((pair for pair in pairs if pair[0].value == _KEY), None)
    if here is None:
        if root.flow_style:
            return _into_braces(text, root, {_KEY: servers})
        return _appended(text, blocks)
    key, value = here
    if isinstance(value, yaml.ScalarNode):  # nothing beneath it
        return _after_line(text, key.end_mark.index, "".join(blocks.values()), key.start_mark.column + 2)
    if value.flow_style:
        return _into_braces(text, value, servers)
    column: int = value.value[0][0].start_mark.column
    return _after_line(text, _end(value), "".join(blocks.values()), column)


def _appended(text: str, blocks: Mapping[str, str]) -> str:
    before = text if text.endswith("\n") or not text else f"{text}\n"
    gap = "\n" if before.strip() else ""
    return f"{before}{gap}{_KEY}:\n{textwrap.indent(''.join(blocks.values()), '  ')}"


def _end(node: Any) -> int:
    """Where a node's last character stands: that of a block would include what follows it."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    end: int = node.end_mark.index
    is_block_text = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return end - 1 if is_block_text else end


def _after_line(text: str, at: int, block: str, column: int) -> str:
    """The text with a block beneath the line that holds the character at `at`."""
    end = text.find("\n", at)
    before, after = (f"{text}\n", "") if end < 0 else (text[: end + 1], text[end + 1 :])
    return before + textwrap.indent(block, " " * column) + after


def _into_braces(text: str, node: Any, entries: Mapping[str, Any]) -> str:
    """`{a: 1}` with further entries, in JSON, which is YAML, too."""
    written = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in entries.items())
    if not node.value:
        at: int = node.start_mark.index + 1
        return text[:at] + written + text[at:]
    at = node.value[-1][1].end_mark.index
    return f"{text[:at]}, {written}{text[at:]}"
