"""The lines of `gateway.yaml` for servers, and what to say beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.config.importers import Imported, ImportedServer, Note
from gateway.config.yaml_lines import yaml_lines
from gateway.telemetry.visible import one_line

_LONGEST = 500  # characters of one comment
_WIDTH = 110


def server_block(name: str, entry: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """One server's lines, beginning in the first column, with comments above them."""
    return "".join(_comment(words) for words in comments) + yaml_lines({name: dict(entry)})


def blocks_of(imported: Imported, origin: str) -> dict[str, str]:
    """The lines of each server that was found, with what was not carried over."""
    blocks: dict[str, str] = {}
    for server in imported.servers:
        notes = [describe_note(note) for note in imported.notes if note.server == server.name]
        blocks[server.name] = server_block(server.name, server.entry, [f"from {origin}", *notes])
    return blocks


def describe_note(note: Note) -> str:
    """A note in a line: where it stands in the source, and what it is."""
    where = f"line {note.line}: " if note.line else ""
    return f"{where}{note.field + ': ' if note.field else ''}{note.message}"


def section(blocks: Mapping[str, str]) -> str:
    """All of it, as a section of its own."""
    return "mcpServers:\n" + textwrap.indent("".join(blocks.values()), "  ")


def runs_confined(servers: Sequence[ImportedServer]) -> bool:
    """Whether any of them is a process that gets a sandbox without network."""
    return any("command" in server.entry and "sandbox" not in server.entry for server in servers)


def _comment(words: str) -> str:
    lines = _wrapped(one_line(words, _LONGEST))
    return "".join(f"# {line}\n" for line in lines)


def _wrapped(words: str) -> Iterator[str]:
    yield from textwrap.wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
