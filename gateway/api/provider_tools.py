"""Tools that a provider would run itself: never forwarded in silence, the key's policy decides.

In policies they are `provider/<type>`, such as `provider/web_search`; denied unless a policy allows them, on the
way that passes bytes through as on the other. Tools that the client runs are the client's own affair. Of a type
that nobody here knows, it cannot be told whose it is: it is refused, unless the key lets such types pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.auth import Principal
from gateway.dialects import Dialect, ProviderTool
from gateway.errors import InvalidRequest, PermissionDenied
from tool_policies import Policy

SERVER = "provider"
"""What stands in the place of a server's name; no server may be called so."""


def check_provider_tools(
    dialect: Dialect, fields: Mapping[str, Any], principal: Principal, policy: Policy
) -> None:
    """See that every tool in a request that its provider would run is allowed.

    Raises PermissionDenied, or InvalidRequest for a type that is unknown, which name the field and the tool.
    """
    for tool in dialect.provider_tools(fields):
        if not tool.is_known:
            if not principal.passes_unknown_tools:
                raise _unknown(tool)
        elif policy.decide(f"{SERVER}/{tool.name}", {}).verdict != "allow":
            message = f"{tool.param}: this key may not use {tool.name!r}, which the provider would run itself"
            hint = f"a policy can allow it as {SERVER}/{tool.name}"
            raise PermissionDenied(f"{message}; {hint}", code="tool_denied", param=tool.param)


def _unknown(tool: ProviderTool) -> InvalidRequest:
    message = (
        f"{tool.param}: {tool.name!r} is no type of tool that this gateway knows, so nobody can tell who runs it"
    )
    hint = "the key's setting `unknown_tools: pass` lets such tools through"
    return InvalidRequest(f"{message}; {hint}", code="unknown_tool_type", param=tool.param)
