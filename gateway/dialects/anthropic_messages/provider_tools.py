"""Tools in a request that Anthropic would run itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none

_DATED = re.compile(r"_20\d{6}\Z")
_CLIENTS_OWN = ("custom", "bash", "text_editor", "computer", "memory", "str_replace_based_edit_tool")
"""Of the tools that Anthropic describes, those that the client runs."""
_LONGEST_NAME = 64


def provider_tools(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The field of each, and its name without the date of its version; on a request that need not be valid."""
    if "tools" in body:
        for index, value in enumerate(list_or_empty(body["tools"])):
            kind = (object_or_none(value) or {}).get("type")
            if isinstance(kind, str) and (name := _DATED.sub("", kind)) not in _CLIENTS_OWN:
                yield f"tools[{index}]", name[:_LONGEST_NAME]
    for index, _ in enumerate(list_or_empty(body.get("mcp_servers"))):
        yield f"mcp_servers[{index}]", "mcp"
    if body.get("fallbacks"):  # other models, which the key need not be allowed
        yield "fallbacks", "fallbacks"
