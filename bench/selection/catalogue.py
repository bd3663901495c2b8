"""The tools and the queries, from the files beside this one; `NOTICE.md` there says whose tools they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.hub import CatalogueTool, ToolAnnotations, qualified_name, wire_name

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool, and how many characters its whole definition has as JSON; texts in `read` may be shortened."""

    read: CatalogueTool
    characters: int


@dataclass(frozen=True, slots=True)
class Query:
    """What a model might look for, and the tools (`server/tool`) any of which would do."""

    text: str
    meant: frozenset[str]


def read_tools() -> Sequence[Tool]:
    """All tools, in the order of the file."""
    lines = (_FOLDER / "tools.jsonl").read_bytes().splitlines()
    return [_read_tool(orjson.loads(line)) for line in lines]


def read_queries() -> Sequence[Query]:
    """All queries, in the order of the file: of each two, the second is held out."""
    lines = (_FOLDER / "queries.tsv").read_text().splitlines()
    halves = [line.split("\t") for line in lines]
    return [Query(text, frozenset(meant.split())) for text, meant in halves]


def _read_tool(raw: dict[str, Any]) -> Tool:
    server, name = raw["server"], raw["name"]
    properties = {key: {"description": about} for key, about in raw["arguments"].items()}
    read = CatalogueTool(
        server,
        name,
        qualified_name(server, name),
        wire_name(server, name),
        raw.get("title"),
        raw["description"],
        {"type": "object", "properties": properties},
        None,
        ToolAnnotations(),
        {},
    )
    return Tool(read, raw["characters"])
