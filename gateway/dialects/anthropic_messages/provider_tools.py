"""Tools in a request that Anthropic would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.dialects.kept_elsewhere import CONTAINER, kept_files
from gateway.dialects.tool_types import ANTHROPIC, ProviderTool, misspelt

_JUDGED = frozenset({"tools", "mcp_servers", "container", "fallbacks", "messages", "system"})
_JUDGED_OF_TOOL = frozenset({"type"})


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each of them, and those of unknown types; on a request that need not be valid."""
    if "tools" in body:
        for index, value in enumerate(list_or_empty(body["tools"])):
            tool = object_or_none(value) or {}
            kind = tool.get("type")
            yield from misspelt(tool, _JUDGED_OF_TOOL, f"tools[{index}]")
            if isinstance(kind, str) and (found := ANTHROPIC.judge(f"tools[{index}]", kind)):
                yield found
    for index, _ in enumerate(list_or_empty(body.get("mcp_servers"))):
        yield ProviderTool(f"mcp_servers[{index}]", "mcp")
    if body.get("fallbacks"):  # other models, which the key need not be allowed
        yield ProviderTool("fallbacks", "fallbacks")
    if body.get("container"):  # one that is there, or skills for it
        yield ProviderTool("container", CONTAINER)
    yield from misspelt(body, _JUDGED, "")
    yield from kept_files(body.get("messages"), "messages")
    yield from kept_files(body.get("system"), "system")
