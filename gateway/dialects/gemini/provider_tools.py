"""Tools in a request that Google would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.gemini.fields import as_list, field, snake
from gateway.dialects.json_values import object_or_none
from gateway.dialects.kept_elsewhere import kept_files
from gateway.dialects.tool_types import GOOGLE, ProviderTool


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each of them, and those of unknown types; on a request that need not be valid.

    One entry of the list may hold several tools, each under its own name. What is kept at Google's under the name
    of a cached content may hold tools, too, and nobody here can look into it.
    """
    given = body.get("tools")
    for index, value in enumerate(as_list(given)):
        where = "tools" if value is given else f"tools[{index}]"
        for name in object_or_none(value) or {}:
            found = GOOGLE.judge(f"{where}.{name}", snake(name))
            if found is not None:
                yield found
    if body.get("cachedContent") or body.get("cached_content"):
        yield ProviderTool("cachedContent", "cached_content")
    yield from kept_files(body.get("contents"), "contents")
    yield from kept_files(field(body, "systemInstruction"), "systemInstruction")
