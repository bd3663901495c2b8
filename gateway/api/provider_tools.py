"""Tools that a provider would run itself: never forwarded in silence, the key's policy decides.

In policies they are `provider/<type>`, such as `provider/web_search`; denied unless a policy allows them, on the
way that passes bytes through as on the other. Tools that the client runs are the client's own affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from gateway.errors import PermissionDenied
from tool_policies import Policy

SERVER = "provider"
"""What stands in the place of a server's name; no server may be called so."""

_CLIENTS_OWN = frozenset({"function", "custom"})
_LONGEST_NAME = 64


def check_provider_tools(fields: Mapping[str, Any], policy: Policy) -> None:
    """See that every tool in a chat completion request that its provider would run is allowed.

    Raises PermissionDenied, which names the field and the tool.
    """
    for param, name in _wanted(fields):
        if policy.decide(f"{SERVER}/{name}", {}).verdict != "allow":
            message = f"{param}: this key may not use {name!r}, which the provider would run itself"
            hint = f"a policy can allow it as {SERVER}/{name}"
            raise PermissionDenied(f"{message}; {hint}", code="tool_denied", param=param)


def _wanted(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The place and the name of each."""
    for index, tool in enumerate(_objects(fields.get("tools"))):
        kind = tool.get("type")
        if isinstance(kind, str) and kind not in _CLIENTS_OWN:
            yield f"tools[{index}]", kind[:_LONGEST_NAME]
    if fields.get("web_search_options") is not None:
        yield "web_search_options", "web_search"
    for index, plugin in enumerate(_objects(fields.get("plugins"))):
        yield f"plugins[{index}]", str(plugin.get("id"))[:_LONGEST_NAME]


def _objects(value: Any) -> list[Mapping[str, Any]]:
    if not isinstance(value, list):
        return []
    return [cast("Mapping[str, Any]", item) if isinstance(item, dict) else {} for item in cast("list[Any]", value)]
