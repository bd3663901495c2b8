"""What is different between what was locked and what a server offers now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from tool_policies.lockfile.document import LockedServer, LockedTool, Lockfile, Source

ChangeKind = Literal["added", "removed", "description", "schema", "annotations", "definition"]
"""What became of a tool, or of a prompt. `description` is a change of words alone, which cannot change what a call
does; `definition` one of members that have no kind of their own. The first kind that applies counts, of schema,
annotations, definition, description.
"""

WORDS = frozenset({"description", "title", "icons", "_meta"})
"""The members of a definition that are for reading. Served as locked, they do no harm whatever they say now."""

_SCHEMAS = frozenset({"inputSchema", "outputSchema"})


class _Absent:
    """Where one of two values has no member."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that differs: `path` leads to it from the definition. ABSENT stands where there is none."""

    path: tuple[str | int, ...]
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ToolChange:
    """What became of one tool or prompt. For one that was added or removed, `fields` has its whole definition."""

    tool: str
    kind: ChangeKind
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class ServerChange:
    """What became of one server. `source` and `instructions` are before and after, None where nothing changed."""

    server: str
    kind: Literal["added", "removed", "changed"]
    source: tuple[Source | None, Source | None] | None
    tools: tuple[ToolChange, ...]
    instructions: tuple[str | None, str | None] | None = None
    prompts: tuple[ToolChange, ...] = ()


def compare(before: Lockfile, after: Lockfile) -> tuple[ServerChange, ...]:
    """Every server with a difference, in the order of their names."""
    names = sorted(before.servers.keys() | after.servers.keys())
    changes = (_compare_servers(name, before.servers.get(name), after.servers.get(name)) for name in names)
    return tuple(change for change in changes if change is not None)


def _compare_servers(name: str, before: LockedServer | None, after: LockedServer | None) -> ServerChange | None:
    sources = (before and before.source, after and after.source)
    source = None if sources[0] == sources[1] else sources
    tools = tuple(compare_tools(before.tools if before else {}, after.tools if after else {}))
    prompts = tuple(compare_tools((before and before.prompts) or {}, (after and after.prompts) or {}))
    words = (before and before.instructions, after and after.instructions)
    instructions = None if words[0] == words[1] else words
    if before is not None and after is not None and source is instructions is None and not (tools or prompts):
        return None
    kind = "added" if before is None else "removed" if after is None else "changed"
    return ServerChange(name, kind, source, tools, instructions, prompts)


def compare_tools(before: Mapping[str, LockedTool], after: Mapping[str, LockedTool]) -> Iterator[ToolChange]:
    """Every tool with a difference, in the order of their names."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            gone = old.definition if old else ABSENT
            come = new.definition if new else ABSENT
            yield ToolChange(name, "added" if old is None else "removed", (FieldChange((), gone, come),))
        elif old.sha256 != new.sha256:
            yield ToolChange(name, kind_of_change(old, new), tuple(differences(old.definition, new.definition)))


def kind_of_change(before: LockedTool, after: LockedTool) -> ChangeKind:
    """Of two definitions of a tool that differ."""
    fields = {str(change.path[0]) for change in differences(before.definition, after.definition)}
    if fields & _SCHEMAS:
        return "schema"
    if "annotations" in fields:
        return "annotations"
    # Should nothing differ where the digests do, then something is not as it seems.
    return "description" if fields and fields <= WORDS else "definition"


def differences(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[FieldChange]:
    """The innermost values that differ; lists are compared place by place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        old, new = cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after)
        for name in dict.fromkeys((*old, *new)):
            yield from differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        olds, news = cast("list[Any]", before), cast("list[Any]", after)
        for index in range(max(len(olds), len(news))):
            old = olds[index] if index < len(olds) else ABSENT
            new = news[index] if index < len(news) else ABSENT
            yield from differences(old, new, (*path, index))
    elif not _is_same(before, after):
        yield FieldChange(path, before, after)


def _is_same(before: Any, after: Any) -> bool:
    """As JSON: 1 and 1.0 are one number, 1 and true are two values."""
    is_flag = isinstance(before, bool)
    return is_flag == isinstance(after, bool) and before == after and (before is ABSENT) == (after is ABSENT)
