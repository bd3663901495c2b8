"""Finds path arguments of a tool that a `within` has forgotten.

`within: {path: /workspace}` on `files/*` says nothing of `move_file`, whose arguments are `source` and
`destination`. Only the tool's input schema shows that, so whoever knows the tools asks here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tool_policies.policy import Policy

_PATH_NAME = re.compile(r"(.*_)?(paths?|files?|filename|dir|directory|folder|source|destination|src|dst)", re.I)
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DEEPEST = 8


def is_path_name(argument: str) -> bool:
    """Whether an argument of this name is likely to be a path: `path`, `source_file`, `outputDir`."""
    return _PATH_NAME.fullmatch(_WORD_STARTS.sub("_", argument)) is not None


def unguarded_paths(policy: Policy, tool: str, input_schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The dotted names of `tool`'s arguments that look like paths and that no rule about it has in `within`.

    Empty when no rule about the tool has a `within` at all: then nobody meant to guard its paths.
    """
    guarded = {within.argument for rule in policy.rules_about(tool) for within in rule.within}
    if not guarded:
        return ()
    found = dict.fromkeys(_paths_in(input_schema, "", _DEEPEST))
    return tuple(name for name in found if name not in guarded)


def _paths_in(schema: Any, name: str, levels: int) -> Iterator[str]:
    if not isinstance(schema, Mapping) or levels == 0:
        return
    keywords = cast("Mapping[str, Any]", schema)
    last = name.rpartition(".")[2]
    if keywords.get("type") == "string" and is_path_name(last):
        yield name
    yield from _paths_in(keywords.get("items"), name, levels - 1)
    properties = keywords.get("properties")
    if isinstance(properties, Mapping):
        for inner, value in cast("Mapping[str, Any]", properties).items():
            yield from _paths_in(value, f"{name}.{inner}" if name else inner, levels - 1)
    for branch in _branches(keywords):
        yield from _paths_in(branch, name, levels - 1)


def _branches(keywords: Mapping[str, Any]) -> Iterator[Any]:
    """Where optional arguments hide: `anyOf: [{type: string}, {type: null}]`."""
    for keyword in ("anyOf", "oneOf", "allOf"):
        branches = keywords.get(keyword)
        if isinstance(branches, list):
            yield from cast("list[Any]", branches)
