"""Who runs the tools that a request brings along, by their types.

Above: each dialect finds the tools in its requests. Refuses to know: policies, where in a request tools stand.

The types are those of the vendors' official SDKs; `tests/contract/test_tool_types.py` fails when an installed SDK
has one that is missing here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.dialects.json_values import list_or_empty, object_or_none

_JUDGED = frozenset({"type", "tools", "environment", "execution"})
"""Fields of a tool by which it is told who runs it."""
LONGEST_NAME = 64
"""Characters of a type that are looked at."""


class ProviderTool(NamedTuple):
    """A tool of a request that is not the client's own to run.

    `param` is the field where it stands, and `name` its type without the version. `is_known` is False for a type
    of which nobody here can tell who would run it.
    """

    param: str
    name: str
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class ToolTypes:
    """The types of one vendor, without their versions; `source` says where they were read."""

    source: str
    clients: frozenset[str]
    """Run by whoever sent the request."""
    providers: frozenset[str]
    """Run by whoever has the model."""
    version: re.Pattern[str]
    """What a type has at its end, or in it, when it has several versions."""
    names: Mapping[str, str]
    """What goes by another name in policies."""

    def name_of(self, kind: str) -> str:
        """The name in policies, whatever the version."""
        kind = self.version.sub("", kind[:LONGEST_NAME])
        return self.names.get(kind, kind)

    def judge(self, param: str, kind: str) -> ProviderTool | None:
        """What this type is to the gateway; None for one that the client runs."""
        name = self.name_of(kind)
        if name in self.clients:
            return None
        return ProviderTool(param, name, name in self.providers)


OPENAI = ToolTypes(
    source="openai 3.57.0: types.responses.ToolParam, types.chat.ChatCompletionToolUnionParam; "
    "builtin_function, browser_search and retrieval are what compatible hosts have",
    clients=frozenset({"function", "custom", "namespace", "local_shell", "apply_patch"}),
    providers=frozenset(
        {
            *("web_search", "file_search", "code_interpreter", "computer_use", "image_generation", "mcp"),
            *("shell", "tool_search", "programmatic_tool_calling"),
            *("builtin_function", "browser_search", "retrieval"),
        }
    ),
    version=re.compile(r"(?:_preview)?(?:_20\d\d_\d\d_\d\d)?\Z"),
    names={"computer": "computer_use"},
)
"""Of `shell` and `tool_search` the client may run its own: see `runs_itself`."""

ANTHROPIC = ToolTypes(
    source="anthropic 2.14.0: types.ToolUnionParam, types.beta.BetaToolUnionParam, and what "
    "types.beta.BetaServerToolUseBlock says that the provider runs",
    clients=frozenset(
        {
            *("custom", "bash", "text_editor", "computer", "memory", "str_replace_based_edit_tool"),
            *("computer_toolset", "browser_toolset"),
        }
    ),
    providers=frozenset(
        {
            *("web_search", "web_fetch", "code_execution", "advisor", "mcp"),
            *("tool_search_tool_bm25", "tool_search_tool_regex"),
        }
    ),
    version=re.compile(r"_20\d{6}\Z"),
    names={"mcp_toolset": "mcp"},
)


GOOGLE = ToolTypes(
    source="google-genai 3.6.1: types.Tool, whose fields are the types; spelt in snake_case",
    clients=frozenset({"function_declarations", "computer_use"}),
    providers=frozenset(
        {
            *("google_search", "google_maps", "code_execution", "url_context", "file_search", "retrieval"),
            *("enterprise_web_search", "parallel_ai_search", "exa_ai_search", "mcp"),
        }
    ),
    version=re.compile(r"_retrieval\Z"),
    names={"mcp_servers": "mcp"},
)

PROVIDER_TYPES = OPENAI.providers | ANTHROPIC.providers | GOOGLE.providers
"""The types that any provider runs, as policies name them."""


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: f"_{found[0].lower()}", name)


_CAPITAL = re.compile(r"[A-Z]")
_GOOGLES = frozenset(
    {
        *("google_search", "googleSearch", "google_search_retrieval", "googleSearchRetrieval", "google_maps"),
        *("googleMaps", "code_execution", "codeExecution", "url_context", "urlContext"),
        *("enterprise_web_search", "enterpriseWebSearch"),
    }
)
"""Under these names compatible hosts take tools of Google's."""


def type_name(kind: str) -> str:
    """The name in policies of a type of any vendor's, whatever the version."""
    return GOOGLE.name_of(OPENAI.name_of(ANTHROPIC.name_of(kind)))


def openai_tools(value: Any, where: str) -> Iterator[ProviderTool]:
    """Those of a list of tools in one of OpenAI's formats that the client does not run; `where` is the field."""
    for index, item in enumerate(list_or_empty(value)):
        tool = object_or_none(item) or {}
        kind, param = tool.get("type"), f"{where}[{index}]"
        yield from misspelt(tool, _JUDGED, param)
        if kind == "namespace":
            yield from openai_tools(tool.get("tools"), f"{param}.tools")
        elif isinstance(kind, str):
            if not runs_itself(tool) and (found := OPENAI.judge(param, kind)):
                yield found
        elif tool and not tool.keys() & {"function", "name"}:
            yield ProviderTool(param, next(iter(tool))[:LONGEST_NAME], is_known=False)
        for name in tool.keys() & _GOOGLES:  # some hosts take them beside functions
            yield ProviderTool(f"{param}.{name}", GOOGLE.name_of(_snake(name)))


def misspelt(fields: Mapping[str, Any], names: Collection[str], where: str) -> Iterator[ProviderTool]:
    """The fields that some parsers, which do not mind capitals, take for one of `names`, in lower case."""
    for name in fields:
        if not (name.isascii() and name.islower()) and name not in names and name.casefold() in names:
            yield ProviderTool(f"{where}.{name[:LONGEST_NAME]}".lstrip("."), name[:LONGEST_NAME], is_known=False)


def runs_itself(tool: Mapping[str, Any]) -> bool:
    """Whether a tool of OpenAI's that can be run on either side is one that the client runs."""
    match tool.get("type"):
        case "shell":
            return (object_or_none(tool.get("environment")) or {}).get("type") == "local"
        case "tool_search":
            return tool.get("execution") == "client"
        case _:
            return False
