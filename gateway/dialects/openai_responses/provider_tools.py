"""Tools in a request that its provider would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty
from gateway.dialects.kept_elsewhere import containers, kept_files
from gateway.dialects.openai_responses.tools import BRINGS_TOOLS
from gateway.dialects.tool_types import ProviderTool, misspelt, openai_tools

_JUDGED = frozenset({"tools", "input", "prompt", "conversation", "previous_response_id"})


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each of them, and those of unknown types; on a request that need not be valid."""
    yield from openai_tools(body.get("tools"), "tools")
    yield from containers(body.get("tools"), "tools")
    for index, value in enumerate(list_or_empty(body.get("input"))):
        item = object_or_none(value) or {}
        if text_or_empty(item.get("type")) in BRINGS_TOOLS:
            yield from openai_tools(item.get("tools"), f"input[{index}].tools")
            yield from containers(item.get("tools"), f"input[{index}].tools")
    if body.get("prompt") is not None:  # what stands in it, tools among it, only the provider knows
        yield ProviderTool("prompt", "prompt")
    yield from misspelt(body, _JUDGED, "")
    yield from kept_files(body.get("input"), "input")
