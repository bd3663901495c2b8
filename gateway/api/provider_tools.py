"""Tools that a provider would run itself: never forwarded in silence, the key's policy decides.

In policies they are `provider/<type>`, such as `provider/web_search`; denied unless a policy allows them, on the
way that passes bytes through as on the other. Tools that the client runs are the client's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects import Dialect
from gateway.errors import PermissionDenied
from tool_policies import Policy

SERVER = "provider"
"""What stands in the place of a server's name; no server may be called so."""


def check_provider_tools(dialect: Dialect, fields: Mapping[str, Any], policy: Policy) -> None:
    """See that every tool in a request that its provider would run is allowed.

    Raises PermissionDenied, which names the field and the tool.
    """
    for param, name in dialect.provider_tools(fields):
        if policy.decide(f"{SERVER}/{name}", {}).verdict != "allow":
            message = f"{param}: this key may not use {name!r}, which the provider would run itself"
            hint = f"a policy can allow it as {SERVER}/{name}"
            raise PermissionDenied(f"{message}; {hint}", code="tool_denied", param=param)
