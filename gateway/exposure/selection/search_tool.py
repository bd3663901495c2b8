"""The tool by which a model finds others: `search_tools`, of a server `toolgate` that is this gateway itself.

Above: the pipeline of tool calls runs it like any other. Below: the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import anyio.to_thread

from gateway.exposure.selection.index import LONGEST_QUERY, Found, ToolIndex
from gateway.hub import (
    OWN_SERVER,
    CallResult,
    CatalogueTool,
    ToolAnnotations,
    qualified_name,
    text_block,
    wire_name,
)
from gateway.telemetry.visible import one_line

MOST_FOUND = 10
"""Tools that one search can find."""

_USUALLY_FOUND = 5
_WORTH_SHOWING = 0.4  # of the best one's score
_LONGEST_LINE = 200  # characters of a description
_MOST_ARGUMENTS = 20
_MOST_SERVERS = 40  # that the model is told of
_NAME = "search_tools"

SEARCH = wire_name(OWN_SERVER, _NAME)
"""Its name towards models, which no tool of a server can have: none is called `toolgate`."""

_DESCRIPTION = (
    "Find tools. Only some of the tools that you may use are listed: the others can be called once a search has"
    " found them, and stay listed from then on. Search before you say that something cannot be done."
)
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "query": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_QUERY,
            "description": "What the tool should do, in a few words, with the name of the service if you know it:"
            " `create github issue`, for example.",
        },
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": MOST_FOUND,
            "description": f"How many tools to find at most; {_USUALLY_FOUND} unless given.",
        },
    },
    "required": ["query"],
    "additionalProperties": False,
}


class LazyIndex:
    """The index of one catalogue, built by the first search: whoever is shown all tools needs none."""

    def __init__(self, tools: Sequence[CatalogueTool]) -> None:
        self._tools = tools
        self._built: ToolIndex | None = None

    async def built(self) -> ToolIndex:
        """The index, which a worker thread builds."""
        if self._built is None:
            self._built = await anyio.to_thread.run_sync(ToolIndex, self._tools)
        return self._built


class SearchTool:
    """The search among the tools that one request may use; see `gateway.tool_calls.OwnTool`."""

    def __init__(self, index: LazyIndex, tools: Sequence[CatalogueTool]) -> None:
        self.tool = _definition(tools)
        self._index = index
        self._visible: Collection[str] = frozenset(tool.qualified for tool in tools)
        self._servers = _servers(tools)

    async def run(self, arguments: Mapping[str, Any]) -> CallResult:
        """What a search finds; the arguments have been held against the schema."""
        ranked = (await self._index.built()).rank(arguments["query"], self._visible)
        best = _worth_showing(ranked)[: arguments.get("limit", _USUALLY_FOUND)]
        if not best:
            return CallResult((text_block(self._nothing()),))
        lines = ["These tools can be called from now on:", *(_line(found.tool) for found in best)]
        return CallResult((text_block("\n".join(lines)),), loads=tuple(found.tool.wire_name for found in best))

    def _nothing(self) -> str:
        hint = "Say in other words, or in fewer, what the tool should do, or search for the name of a service"
        return f"No tool has any of these words. {hint}: {self._servers}."


def _worth_showing(ranked: Sequence[Found]) -> Sequence[Found]:
    least = ranked[0].score * _WORTH_SHOWING if ranked else 0.0
    return [found for found in ranked if found.score >= least]


def _line(tool: CatalogueTool) -> str:
    first = (tool.description or tool.title or "").strip().partition("\n")[0]
    about = f": {one_line(first, _LONGEST_LINE)}" if first else ""
    return f"- {tool.wire_name}({_arguments(tool.input_schema)}){about}"


def _arguments(schema: Mapping[str, Any]) -> str:
    """The names, those that are required first and the others with a question mark."""
    properties, given = schema.get("properties"), schema.get("required")
    names = list(cast("Mapping[str, Any]", properties)) if isinstance(properties, Mapping) else []
    required = cast("list[Any]", given) if isinstance(given, list) else []
    ordered = [name for name in names if name in required] + [f"{one}?" for one in names if one not in required]
    shown = [one_line(name, 64) for name in ordered[:_MOST_ARGUMENTS]]
    return ", ".join([*shown, "..."] if len(ordered) > _MOST_ARGUMENTS else shown)


def _definition(tools: Iterable[CatalogueTool]) -> CatalogueTool:
    described = f"{_DESCRIPTION} There are tools of: {_servers(tools)}."
    return CatalogueTool(
        OWN_SERVER,
        _NAME,
        qualified_name(OWN_SERVER, _NAME),
        SEARCH,
        None,
        described,
        _SCHEMA,
        None,
        ToolAnnotations(read_only=True, destructive=False, idempotent=True, open_world=False),
        {"name": _NAME, "description": described, "inputSchema": _SCHEMA},
    )


def _servers(tools: Iterable[CatalogueTool]) -> str:
    names = list(dict.fromkeys(tool.server for tool in tools))
    more = [f"and {len(names) - _MOST_SERVERS} more"] if len(names) > _MOST_SERVERS else []
    return ", ".join(names[:_MOST_SERVERS] + more)
