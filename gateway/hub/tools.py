"""One tool of the catalogue, read from an entry of `tools/list`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.hub.argument_headers import find_invalid_header
from gateway.hub.entries import UnusableEntry, read_name
from gateway.hub.naming import qualified_name, wire_name
from gateway.hub.schemas import UnusableSchema, clean_input_schema
from gateway.telemetry.visible import one_line

_LONGEST_REASON = 300  # characters
_RESERVED = "@"  # policies speak of `server/@resources` and `server/@prompts`


@dataclass(frozen=True, slots=True)
class ToolAnnotations:
    """What the server claims about a tool; None where it claims nothing. Hints, never a permission."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None


@dataclass(frozen=True, slots=True)
class CatalogueTool:
    """One tool. `input_schema` is fit for model APIs; `definition` is what the server sent, untouched."""

    server: str
    name: str
    qualified: str
    wire_name: str
    title: str | None
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None
    annotations: ToolAnnotations
    definition: Mapping[str, Any] = field(repr=False)


def read_tool(server: str, tool: Mapping[str, Any]) -> CatalogueTool:
    """One entry of the list. Raises UnusableEntry."""
    name = read_name(tool)
    if name.startswith(_RESERVED):
        raise UnusableEntry(f"its name begins with {_RESERVED!r}, which policies use for what is not a tool")
    if _field(tool, "execution").get("taskSupport") == "required":
        raise UnusableEntry("it runs as a task only, which this gateway does not support")
    schema = _read_schema(tool)
    hints = _field(tool, "annotations")
    output = _field(tool, "outputSchema")
    return CatalogueTool(
        server,
        name,
        qualified_name(server, name),
        wire_name(server, name),
        _text(tool.get("title")) or _text(hints.get("title")) or None,
        _text(tool.get("description")),
        schema,
        output or None,
        ToolAnnotations(
            _flag(hints, "readOnlyHint"),
            _flag(hints, "destructiveHint"),
            _flag(hints, "idempotentHint"),
            _flag(hints, "openWorldHint"),
        ),
        tool,
    )


def _read_schema(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        schema = clean_input_schema(tool.get("inputSchema"))
    except UnusableSchema as problem:
        raise UnusableEntry(str(problem)) from problem
    if problem := find_invalid_header(tool.get("inputSchema")):
        raise UnusableEntry(one_line(problem, _LONGEST_REASON))
    return schema


def _field(tool: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value: Any = tool.get(key)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _flag(hints: Mapping[str, Any], key: str) -> bool | None:
    value: Any = hints.get(key)
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
