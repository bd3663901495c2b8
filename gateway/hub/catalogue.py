"""The tools of all servers as one immutable value, swapped whole when any server's list changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

import orjson

from gateway.hub.argument_headers import find_invalid_header
from gateway.hub.drift import Drift
from gateway.hub.naming import qualified_name, wire_name
from gateway.hub.schemas import UnusableSchema, clean_input_schema
from gateway.telemetry.visible import one_line

_LONGEST_NAME = 128  # MCP 2025-11-25, "Tool names"
_LONGEST_REASON = 300  # characters
_UNTITLED = "(unnamed)"


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


@dataclass(frozen=True, slots=True)
class BadTool:
    """A tool that a server listed and the hub left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What one server lists: the tools that can be offered, sorted by name, and those that cannot.

    `drift` has what is not as it was locked; what of it is not on offer is not among the tools.
    """

    tools: tuple[CatalogueTool, ...] = ()
    bad: tuple[BadTool, ...] = ()
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All tools, sorted by qualified name. `generation` grows with every change."""

    generation: int = 0
    tools: tuple[CatalogueTool, ...] = ()
    by_name: Mapping[str, CatalogueTool] = field(default_factory=dict[str, CatalogueTool], repr=False)
    by_wire_name: Mapping[str, CatalogueTool] = field(default_factory=dict[str, CatalogueTool], repr=False)


def build_catalogue(generation: int, listings: Iterable[Listing]) -> Catalogue:
    """One catalogue from the listings of all servers."""
    tools = sorted((tool for listing in listings for tool in listing.tools), key=lambda tool: tool.qualified)
    return Catalogue(
        generation,
        tuple(tools),
        MappingProxyType({tool.qualified: tool for tool in tools}),
        MappingProxyType({tool.wire_name: tool for tool in tools}),
    )


def read_listing(server: str, raw_tools: Sequence[Any]) -> Listing:
    """The raw entries of `tools/list`, each judged by itself: a broken one never costs the others."""
    good: dict[str, CatalogueTool] = {}
    bad: list[BadTool] = []
    for raw in raw_tools:
        try:
            tool = _read_tool(server, raw)
            if tool.name in good:
                raise UnusableTool("listed twice; the first one counts")
            good[tool.name] = tool
        except (UnusableTool, UnusableSchema) as problem:
            bad.append(BadTool(_name_for_report(raw), str(problem)))
    return Listing(tuple(good[name] for name in sorted(good)), tuple(bad))


class UnusableTool(ValueError):
    """A listed tool cannot be offered; the message says why."""


def _read_tool(server: str, raw: Any) -> CatalogueTool:
    if not isinstance(raw, dict):
        raise UnusableTool("not an object")
    tool = cast("dict[str, Any]", raw)
    name = _read_name(tool.get("name"))
    if _field(tool, "execution").get("taskSupport") == "required":
        raise UnusableTool("it runs as a task only, which this gateway does not support")
    _check_form(tool)
    schema = clean_input_schema(tool.get("inputSchema"))
    if problem := find_invalid_header(tool.get("inputSchema")):
        raise UnusableTool(one_line(problem, _LONGEST_REASON))
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


def _check_form(tool: Mapping[str, Any]) -> None:
    """What cannot be written again is also too deep to be compared with the next listing."""
    try:
        orjson.dumps(tool)
    except TypeError as error:
        raise UnusableTool(f"it cannot be written as JSON: {error}") from error


def _read_name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise UnusableTool("it has no name")
    if len(name) > _LONGEST_NAME:
        raise UnusableTool(f"its name is longer than {_LONGEST_NAME} characters")
    if not name.isprintable() or name.isspace():
        raise UnusableTool("its name holds characters that cannot be printed")
    return name


def _name_for_report(raw: Any) -> str:
    name: Any = cast("dict[str, Any]", raw).get("name") if isinstance(raw, dict) else None
    return repr(name)[1:-1][:_LONGEST_NAME] if isinstance(name, str) and name else _UNTITLED


def _field(tool: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value: Any = tool.get(key)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _flag(hints: Mapping[str, Any], key: str) -> bool | None:
    value: Any = hints.get(key)
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
