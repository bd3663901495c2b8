"""Tools in a request that its provider would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none

_CLIENTS_OWN = frozenset({"function", "custom"})
_LONGEST_NAME = 64


def provider_tools(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The field and the name of each; on a request that need not be valid."""
    if "tools" in body:
        for index, value in enumerate(list_or_empty(body["tools"])):
            kind = (object_or_none(value) or {}).get("type")
            if isinstance(kind, str) and kind not in _CLIENTS_OWN:
                yield f"tools[{index}]", kind[:_LONGEST_NAME]
    if body.get("web_search_options") is not None:
        yield "web_search_options", "web_search"
    if "plugins" in body:
        for index, value in enumerate(list_or_empty(body["plugins"])):
            yield f"plugins[{index}]", str((object_or_none(value) or {}).get("id"))[:_LONGEST_NAME]
