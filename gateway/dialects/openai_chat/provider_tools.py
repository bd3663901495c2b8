"""Tools in a request that its provider would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.dialects.tool_types import LONGEST_NAME, ProviderTool, openai_tools


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each of them, and those of unknown types; on a request that need not be valid."""
    if "tools" in body:
        yield from openai_tools(body["tools"], "tools")
    if body.get("web_search_options") is not None:
        yield ProviderTool("web_search_options", "web_search")
    if "plugins" in body:
        for index, value in enumerate(list_or_empty(body["plugins"])):
            yield ProviderTool(f"plugins[{index}]", str((object_or_none(value) or {}).get("id"))[:LONGEST_NAME])
