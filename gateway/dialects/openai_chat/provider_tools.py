"""Tools in a request that its provider would run itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.dialects.kept_elsewhere import kept_files
from gateway.dialects.tool_types import LONGEST_NAME, ProviderTool, misspelt, openai_tools

_FIELDS: Mapping[str, str] = {
    "web_search_options": "web_search",  # OpenAI
    "search_parameters": "web_search",  # xAI
    "enable_search": "web_search",  # Qwen
    "search_options": "web_search",
    "search_settings": "web_search",  # Groq
    "compound_custom": "code_interpreter",
    "data_sources": "file_search",  # Azure
    "dataSources": "file_search",
    "models": "fallbacks",  # OpenRouter: other models, which the key need not be allowed
    "fallbacks": "fallbacks",
}
"""What has tools run, or something else answer, without standing among the tools."""
_JUDGED = frozenset({"tools", "plugins", "messages", *(name for name in _FIELDS if name.islower())})


def provider_tools(body: Mapping[str, Any]) -> Iterator[ProviderTool]:
    """Each of them, and those of unknown types; on a request that need not be valid."""
    if "tools" in body:
        yield from openai_tools(body["tools"], "tools")
    for name in body.keys() & _FIELDS.keys():
        if body[name] not in (None, False, [], {}) or (name == "web_search_options" and body[name] is not None):
            yield ProviderTool(name, _FIELDS[name])
    if "plugins" in body:
        for index, value in enumerate(list_or_empty(body["plugins"])):
            yield ProviderTool(f"plugins[{index}]", str((object_or_none(value) or {}).get("id"))[:LONGEST_NAME])
    yield from misspelt(body, _JUDGED, "")
    yield from kept_files(body.get("messages"), "messages")
