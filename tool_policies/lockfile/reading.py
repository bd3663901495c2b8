"""A lock file is read back, or refused with everything that is wrong with it.

For large files it takes seconds, so it is done in a thread. A file that was cut off, joined badly or edited does
not pass: its last line is missing, a name is given twice, or a definition is not the one that its digest is of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from tool_policies.findings import Finding, Path, Problem, dotted
from tool_policies.located_yaml import Bounds, LocatedDocument, YamlProblem, load_yaml
from tool_policies.lockfile.canonical import Uncanonical, digest
from tool_policies.lockfile.document import LockedServer, LockedTool, Lockfile, Source, SourceKind
from tool_policies.lockfile.writing import LAST_LINE, VERSION

LARGEST_LOCKFILE = 16 * 1024 * 1024
"""Bytes."""

_BOUNDS = Bounds(largest=LARGEST_LOCKFILE, most_nodes=500_000)
_AGAIN = "take it from version control, or delete it and run `toolgate lock`"
_REVIEW = "`toolgate lock` writes what the server offers; nobody else should"
_KINDS = get_args(SourceKind)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PACKAGE = re.compile(r"\S{1,1000} \S{1,300} sha\d+-[^\n]{1,1000}", re.ASCII)
_LONGEST_TEXT = 4096  # characters, in a source
_MOST_FINDINGS = 50


class LockfileError(ValueError):
    """The text is no lock file that can be relied on."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


def read_lockfile(text: str, name: str) -> Lockfile:
    """The file called `name`. Raises LockfileError with every mistake, each with its line."""
    try:
        located = load_yaml(text, _BOUNDS)
    except YamlProblem as problem:
        hint = problem.hint or _AGAIN
        raise LockfileError((Finding("error", name, problem.line, None, problem.message, hint),)) from None
    reader = _Reader()
    lockfile = reader.file(located.value)
    if not reader.problems and text.rstrip().rpartition("\n")[2] != LAST_LINE:
        lines = text.count("\n") + 1
        message = f"it ends in the middle: its last line should be `{LAST_LINE}`"
        raise LockfileError((Finding("error", name, lines, None, message, _AGAIN),))
    if reader.problems or lockfile is None:
        raise LockfileError(tuple(_finding(name, located, one) for one in reader.problems[:_MOST_FINDINGS]))
    return lockfile


def _finding(name: str, located: LocatedDocument, problem: Problem) -> Finding:
    field_name = dotted([step if isinstance(step, int) else step[:80] for step in problem.path]) or None
    return Finding("error", name, located.line_of(problem.path), field_name, problem.message, problem.hint)


@dataclass(slots=True)
class _Reader:
    """Gathers problems; what is wrong is left out of the values."""

    problems: list[Problem] = field(default_factory=list[Problem])

    def file(self, value: Any) -> Lockfile | None:
        members = self._members(value, (), known=("lock", "servers"))
        if not members:
            return self._wrong((), "this is no lock file", _AGAIN)
        version = members.get("lock")
        if type(version) is not int:
            return self._wrong(("lock",), "the format's version is missing", _AGAIN)
        if version != VERSION:
            hint = "use the toolgate that wrote it or a later one, or delete it and run `toolgate lock`"
            return self._wrong(("lock",), f"this toolgate reads version {VERSION} of the format", hint)
        servers: dict[str, LockedServer] = {}
        for name, server in self._mapping(members.get("servers"), ("servers",)).items():
            servers[name] = self._server(server, ("servers", name))
        return Lockfile(servers)

    def _server(self, value: Any, path: Path) -> LockedServer:
        members = self._members(value, path, known=("source", "instructions", "tools", "prompts"))
        words = members.get("instructions")
        if "instructions" in members and not isinstance(words, str):
            self._wrong((*path, "instructions"), "must be a text", _AGAIN)
        source = self._source(members["source"], (*path, "source")) if "source" in members else None
        tools = self._defined(members.get("tools"), (*path, "tools"))
        prompts = self._defined(members["prompts"], (*path, "prompts")) if "prompts" in members else None
        return LockedServer.of(source, tools, words if isinstance(words, str) else None, prompts)

    def _defined(self, value: Any, path: Path) -> list[LockedTool]:
        """Tools, or prompts."""
        found = (self._entry(name, one, (*path, name)) for name, one in self._mapping(value, path).items())
        return [one for one in found if one is not None]

    def _source(self, value: Any, path: Path) -> Source | None:
        members = self._members(value, path, known=(*_KINDS, "version", "integrity", "issuer", "packages"))
        packages = self._packages(members.pop("packages"), path) if "packages" in members else None
        for name, text in members.items():
            if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TEXT:
                return self._wrong((*path, name), "must be a text", _AGAIN)
        kinds = [name for name in members if name in _KINDS]
        if len(kinds) != 1:
            return self._wrong(path, f"must name one of {', '.join(_KINDS)}", _AGAIN)
        rest = {name: cast("str", text) for name, text in members.items() if name not in _KINDS}
        return Source(cast("SourceKind", kinds[0]), cast("str", members[kinds[0]]), **rest, packages=packages)

    def _packages(self, value: Any, path: Path) -> tuple[str, ...] | None:
        if not isinstance(value, list):
            return self._wrong((*path, "packages"), "must be a list", _AGAIN)
        lines: list[str] = []
        for index, line in enumerate(cast("list[Any]", value)):
            if not isinstance(line, str) or not _PACKAGE.fullmatch(line):
                return self._wrong((*path, "packages", index), "must be a text `NAME VERSION INTEGRITY`", _AGAIN)
            lines.append(line)
        return tuple(sorted(lines))

    def _entry(self, name: str, value: Any, path: Path) -> LockedTool | None:
        members = self._members(value, path, known=("sha256", "definition"))
        sha256, definition = members.get("sha256"), members.get("definition")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            return self._wrong((*path, "sha256"), "must be 64 hexadecimal digits", _AGAIN)
        if not isinstance(definition, dict):
            return self._wrong((*path, "definition"), "must be its definition", _AGAIN)
        found = cast("dict[str, Any]", definition)
        if found.get("name") != name:
            return self._wrong((*path, "definition", "name"), "is not the name that it stands under", _REVIEW)
        try:
            is_right = digest(found) == sha256
        except Uncanonical as problem:
            return self._wrong((*path, "definition"), str(problem), _AGAIN)
        if not is_right:
            message = "the definition is not the one that its sha256 is of: one of them was edited"
            return self._wrong((*path, "sha256"), message, _REVIEW)
        return LockedTool(name, sha256, found)

    def _members(self, value: Any, path: Path, *, known: tuple[str, ...]) -> dict[str, Any]:
        members = self._mapping(value, path)
        for name in members:
            if name not in known:
                self._wrong((*path, name), "is not known", "use the toolgate that wrote the file")
        return {name: inner for name, inner in members.items() if name in known}

    def _mapping(self, value: Any, path: Path) -> Mapping[str, Any]:
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
        self._wrong(path, "must be a mapping", _AGAIN)
        return {}

    def _wrong(self, path: Path, message: str, hint: str) -> None:
        self.problems.append(Problem(path, message, hint))
