"""What an importer finds in another product's file, and how it says what could not be carried over.

Above: the command that prints it or writes it down. Below: one reader for each format, each a function of a tree
and a `Gathering`. Refuses to know: files, and how lines of YAML look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from gateway.config.config import Source, Steps
from gateway.errors import ConfigError

Format = Literal["vscode", "claude", "cursor", "server-json", "litellm", "bifrost"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not carried over, or means something else here. `line` is in the source."""

    server: str | None
    field: str
    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that has to be set before the servers can start."""

    name: str
    description: str
    is_secret: bool = True


@dataclass(frozen=True, slots=True)
class ImportedServer:
    """A server in our own form, under a name that policies can hold."""

    name: str
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A server that was not taken over, and why not."""

    name: str
    line: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """All that one file gave. No value of a secret is in it."""

    format: Format
    servers: tuple[ImportedServer, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[Note, ...]
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A server as a reader found it: its entry may still hold secrets."""

    name: str
    entry: dict[str, Any] = field(repr=False)
    path: Steps


@dataclass(slots=True)
class Gathering:
    """What a reader finds, as it finds it. `base` is the project's folder, for editors' own variables."""

    source: Source
    base: Path
    home: Path
    found: list[Found] = field(default_factory=list[Found])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    notes: list[Note] = field(default_factory=list[Note])
    asked: dict[str, Variable] = field(default_factory=dict[str, Variable])

    def take(self, name: str, entry: dict[str, Any], path: Steps) -> None:
        """A server, in our form but for its name and its secrets."""
        self.found.append(Found(name, entry, path))

    def leave_out(self, name: str, path: Steps, reason: str) -> None:
        """A server that has no place here."""
        self.left_out.append(LeftOut(name, self.source.line(path), reason))

    def note(self, server: str | None, path: Steps, message: str) -> None:
        """A part of a server that was not carried over."""
        problem = self.source.problem(path, message)
        self.notes.append(Note(server, problem.field or "", problem.line, message))

    def ask(self, name: str, description: str, *, is_secret: bool = True) -> str:
        """A variable that a value stands for from now on; `${name}`."""
        self.asked.setdefault(name, Variable(name, description, is_secret))
        return f"${{{name}}}"


def mapping_at(tree: Any, path: Steps, gathering: Gathering) -> Mapping[str, Any]:
    """The mapping at `path`, which must be one. Raises ConfigError."""
    here = tree
    for step in path:
        here = cast("dict[str, Any]", here).get(str(step)) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        raise ConfigError([gathering.source.problem(path, "must be a mapping")])
    return cast("dict[str, Any]", here)


def each_server(
    servers: Mapping[str, Any],
    path: Steps,
    gathering: Gathering,
    read: Callable[[str, dict[str, Any], Steps], None],
) -> None:
    """Call `read` with each server that is a mapping; the others are left out."""
    for name, server in servers.items():
        here = (*path, name)
        if isinstance(server, dict):
            read(name, dict(cast("dict[str, Any]", server)), here)
        else:
            gathering.leave_out(name, here, "it must be a mapping")


def texts_in(value: Any) -> list[str]:
    """The strings of a list; of anything else, none."""
    return [one for one in cast("list[Any]", value) if isinstance(one, str)] if isinstance(value, list) else []


def variable_in(text: str, prefix: str) -> str:
    """A text that is `prefix` and a variable's name, in our form; in any other, what looks like one stays text."""
    if text.startswith(prefix):
        return f"${{{text.removeprefix(prefix)}}}"
    return text.replace("${", "$${")
