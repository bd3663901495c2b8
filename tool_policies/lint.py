"""What a policy file may say but hardly means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tool_policies.documents import PolicyDocument, PolicyFileDocument, RuleDocument
from tool_policies.findings import Path, Problem
from tool_policies.unguarded import is_path_name

_PATH_PREFIX = re.compile(r"\^[(?:]*/")


def lint(document: PolicyFileDocument) -> Iterator[Problem]:
    """Warnings; paths begin at the document's root."""
    for name, policy in document.policies.items():
        for problem in (*_lists(policy), *_rules(policy)):
            yield problem.beneath(("policies", name))


def _lists(policy: PolicyDocument) -> Iterator[Problem]:
    for index, allow in enumerate(policy.allow):
        place: Path = ("allow", index)
        if str(allow) == "*/*":
            yield _warning(
                place, "allows every tool of every server, also of those added later", "name the servers"
            )
        shadow = next((deny for deny in policy.deny if deny.covers(allow)), None)
        if shadow is not None:
            hint = "remove one of the two: deny always wins"
            yield _warning(place, f"allows nothing: {shadow} in `deny` denies all of it", hint)


def _rules(policy: PolicyDocument) -> Iterator[Problem]:
    for index, rule in enumerate(policy.rules):
        place: Path = ("rules", index)
        why = _never_applies(policy, rule)
        if why is not None:
            yield _warning((*place, "tools"), f"the rule never applies: {why}", "check the patterns")
        for keyword, schema in (("when", rule.when), ("require", rule.require)):
            if schema is not None:
                for problem in _patterns(schema.schema, (keyword,), None):
                    yield problem.beneath(place)


def _never_applies(policy: PolicyDocument, rule: RuleDocument) -> str | None:
    if policy.allow and not any(tools.meets(allow) for tools in rule.tools for allow in policy.allow):
        return "nothing in `allow` of its policy is among its tools"
    if all(any(deny.covers(tools) for deny in policy.deny) for tools in rule.tools):
        return "`deny` of its policy denies all of its tools"
    return None


def _patterns(schema: Any, path: Path, argument: str | None) -> Iterator[Problem]:
    """Doubtful `pattern`s in a schema, at any depth; `argument` is what the schema is about."""
    if isinstance(schema, list):
        for index, inner in enumerate(cast("list[Any]", schema)):
            yield from _patterns(inner, (*path, index), argument)
    if not isinstance(schema, Mapping):
        return
    for keyword, value in cast("Mapping[str, Any]", schema).items():
        here = (*path, keyword)
        if keyword == "pattern" and isinstance(value, str):
            yield from _pattern(value, here, argument)
        elif keyword in ("properties", "$defs") and isinstance(value, Mapping):
            for name, inner in cast("Mapping[str, Any]", value).items():
                yield from _patterns(inner, (*here, name), name if keyword == "properties" else argument)
        elif keyword not in ("const", "enum", "default", "examples"):
            yield from _patterns(value, here, argument)


def _pattern(pattern: str, path: Path, argument: str | None) -> Iterator[Problem]:
    if _PATH_PREFIX.match(pattern) and argument is not None and is_path_name(argument):
        message = "a pattern does not keep a path in its folder: /workspace-2 and /workspace/../etc begin alike"
        yield _warning(path, message, f"use `within: {{{argument}: /folder}}`")
    elif path[0] == "require" and "not" not in path and not pattern.startswith("^") and not pattern.endswith("$"):
        message = "the pattern is found anywhere in the text, also in the middle of something else"
        yield _warning(path, message, "begin it with ^ and end it with $")


def _warning(path: Path, message: str, hint: str) -> Problem:
    return Problem(path, message, hint, "warning")
