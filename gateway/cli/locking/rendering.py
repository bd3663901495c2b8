"""Differences for people, and for programs. Characters that would deceive are made visible."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from gateway.cli.output import paint
from gateway.telemetry.visible import make_visible
from tool_policies.lockfile import ABSENT, FieldChange, ServerChange, Source, ToolChange, suspicions

_MARKS = {"added": "+", "removed": "-"}
_LONGEST_LINE = 2000  # characters of a line that are shown


def render(changes: Sequence[ServerChange]) -> Iterator[str]:
    """Lines for a terminal."""
    for change in changes:
        yield paint(f"{_shown(change.server)}: {change.kind}", "bold", sys.stdout)
        if change.source is not None:
            yield from _values("  source", *(ABSENT if one is None else str(one) for one in change.source))
            if change.kind == "changed":
                yield from _packages(*change.source)
        if change.instructions is not None:
            yield from _values("  instructions", *(ABSENT if one is None else one for one in change.instructions))
            yield from (_doubt("  ", why) for why in suspicions(change.instructions[1]))
        for tool in change.tools:
            yield from _tool(tool)
        for prompt in change.prompts:
            yield from _tool(prompt, "prompt ")


def _packages(before: Source | None, after: Source | None) -> Iterator[str]:
    """Those alone that are others, or came or went; of a server that is new, their number says enough."""
    removed, added = _changed_packages(before, after)
    if removed or added:
        yield "    packages"
        yield from (paint(f"      - {_shown(line)}", "red", sys.stdout) for line in removed)
        yield from (paint(f"      + {_shown(line)}", "green", sys.stdout) for line in added)


def _changed_packages(before: Source | None, after: Source | None) -> tuple[list[str], list[str]]:
    """Which were removed, and which added."""
    old, new = (set(one.packages or ()) if one else set[str]() for one in (before, after))
    return sorted(old - new), sorted(new - old)


def _tool(change: ToolChange, noun: str = "") -> Iterator[str]:
    what = change.kind if change.kind in _MARKS else f"{change.kind} changed"
    yield f"  {_MARKS.get(change.kind, '~')} {noun}{_shown(change.tool)}: {what}"
    if change.kind == "added":
        definition = change.fields[0].after
        for name, value in definition.items():
            if name != "name":
                yield from _values(f"      {_shown(name)}", ABSENT, value)
    elif change.kind != "removed":
        for field in change.fields:
            yield from _values(f"      {_path(field)}", field.before, field.after)
    yield from (_doubt("      ", why) for why in suspicious(change))


def _doubt(indent: str, why: str) -> str:
    return paint(f"{indent}! {why}", "yellow", sys.stdout)


def suspicious(change: ToolChange) -> tuple[str, ...]:
    """What deserves a second look in what is new."""
    if change.kind == "removed":
        return ()
    new = [field.after for field in change.fields if field.after is not ABSENT]
    names = [step for field in change.fields for step in field.path if isinstance(step, str)]
    return suspicions([change.tool, *new, *names])


def _values(head: str, before: Any, after: Any) -> Iterator[str]:
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    yield head
    old, new = (_lines(value) for value in (before, after))
    for line in difflib.ndiff(old, new):
        if line[0] in "+-":
            colour = "green" if line[0] == "+" else "red"
            yield paint(f"{indent}{line}", colour, sys.stdout)
        elif line[0] == " ":
            yield f"{indent}{line}"


def _lines(value: Any) -> list[str]:
    if value is ABSENT:
        return []
    text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return [_shown(line) for line in text.split("\n")]


def _shown(text: str) -> str:
    return make_visible(text[:_LONGEST_LINE])[0].replace("\n", "\\n").replace("\r", "\\r")


def _path(field: FieldChange) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in field.path)
    return _shown(text.removeprefix("."))


def to_json(changes: Sequence[ServerChange]) -> list[dict[str, Any]]:
    """The same as JSON values, with the values as they are."""
    return [
        {
            "server": change.server,
            "change": change.kind,
            "source": None if change.source is None else [one and str(one) for one in change.source],
            "packages": _packages_to_json(change),
            "instructions": None if change.instructions is None else list(change.instructions),
            "tools": [_tool_to_json("tool", tool) for tool in change.tools],
            "prompts": [_tool_to_json("prompt", prompt) for prompt in change.prompts],
        }
        for change in changes
    ]


def _packages_to_json(change: ServerChange) -> dict[str, list[str]] | None:
    removed, added = _changed_packages(*change.source) if change.source is not None else ([], [])
    return {"removed": removed, "added": added} if removed or added else None


def _tool_to_json(noun: str, change: ToolChange) -> dict[str, Any]:
    fields = [
        {
            "path": list(field.path),
            **({} if field.before is ABSENT else {"before": field.before}),
            **({} if field.after is ABSENT else {"after": field.after}),
        }
        for field in change.fields
    ]
    return {noun: change.tool, "change": change.kind, "fields": fields, "suspicious": list(suspicious(change))}
