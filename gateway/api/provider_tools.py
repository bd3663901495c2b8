"""Tools that a provider would run itself: never forwarded in silence, the key's policy decides.

In policies they are `provider/<type>`, such as `provider/web_search`; denied unless a policy allows them, on the
way that passes bytes through as on the other. Tools that the client runs are the client's own affair. Of a type
that nobody here knows, it cannot be told whose it is: it is refused, unless the key lets such types pass.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from gateway.auth import Principal
from gateway.config import Config
from gateway.dialects import ProviderTool
from gateway.dialects.tool_types import PROVIDER_TYPES, type_name
from gateway.errors import ConfigError, InvalidRequest, PermissionDenied, Problem
from tool_policies import Policy

SERVER = "provider"
"""What stands in the place of a server's name; no server may be called so."""

_KEPT = frozenset({"files", "container", "prompt", "cached_content"})
"""What is no tool, and may be anybody's who shares the account."""


def check_provider_tools(tools: Iterable[ProviderTool], principal: Principal, policy: Policy) -> None:
    """See that every one of these tools, which its provider would run, is allowed.

    Raises PermissionDenied, or InvalidRequest for a type that is unknown, which name the field and the tool.
    """
    for tool in tools:
        if not tool.is_known:
            if not principal.passes_unknown_tools:
                raise _unknown(tool)
        elif policy.decide(f"{SERVER}/{tool.name}", {}).verdict != "allow":
            whose = "kept at the provider" if tool.name in _KEPT else "which the provider would run itself"
            message = f"{tool.param}: this key may not use {tool.name!r}, {whose}"
            hint = f"a policy can allow it as {SERVER}/{tool.name}"
            raise PermissionDenied(f"{message}; {hint}", code="tool_denied", param=tool.param)


def _unknown(tool: ProviderTool) -> InvalidRequest:
    message = (
        f"{tool.param}: {tool.name!r} is no type of tool that this gateway knows, so nobody can tell who runs it"
    )
    hint = "the key's setting `unknown_tools: pass` lets such tools through"
    return InvalidRequest(f"{message}; {hint}", code="unknown_tool_type", param=tool.param)


def read_substitutes(config: Config) -> dict[str, str]:
    """Our tools in the place of providers', by types without versions. Raises ConfigError for an unknown type."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for kind, tool in config.provider_tools.items():
        name = type_name(kind)
        found[name] = tool
        if name not in PROVIDER_TYPES:
            near = difflib.get_close_matches(name, PROVIDER_TYPES, n=1) or sorted(PROVIDER_TYPES)
            message = "no provider has a tool of this type"
            problems.append(config.problem(("provider_tools", kind), message, f"there is {', '.join(near)}"))
    if problems:
        raise ConfigError(problems)
    return found
