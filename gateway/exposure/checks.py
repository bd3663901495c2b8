"""What a request may insist on, and what it must not bring along."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.conversation import ToolDefinition
from gateway.errors import InvalidRequest, ToolsUnavailable
from gateway.exposure.exposure import Exposure, PolicyT


def check_required(exposure: Exposure[PolicyT], required: Sequence[str]) -> None:
    """See that every pattern in `required` is served now.

    Raises ToolsUnavailable when a server that a pattern means is not ready, and InvalidRequest for a pattern
    that means no tool of this key: one that was never there and one that it must not see answer alike.
    """
    down: dict[str, None] = {}
    for index, pattern in enumerate(required):
        wanted = exposure.policy.narrowed((pattern,))
        missing = [server for server in exposure.unavailable if _means(wanted, server, exposure)]
        down |= dict.fromkeys(missing)
        if not missing and not any(wanted.visible(tool.qualified) for tool in exposure.tools):
            message = f"toolgate.require[{index}]: no tool of this key matches {pattern!r}"
            raise InvalidRequest(message, code="tool_not_found", param="toolgate.require")
    if down:
        names = ", ".join(down)
        raise ToolsUnavailable(f"these tool servers are not available: {names}", param="toolgate.require")


def _means(wanted: PolicyT, server: str, exposure: Exposure[PolicyT]) -> bool:
    """Whether a requirement is about this server: by the tools known of it, else by what it might have."""
    known = [tool for tool in exposure.tools if tool.server == server]
    return any(wanted.visible(tool.qualified) for tool in known) if known else wanted.reaches(server)


def check_names(
    ours: Collection[str], clients: Sequence[ToolDefinition], *, name_field: str = "function.name"
) -> None:
    """See that no tool of the client's has one of our names: its calls could not be told apart.

    `name_field` is where a tool has its name in the client's dialect.

    Raises InvalidRequest naming the field.
    """
    for index, tool in enumerate(clients):
        if tool.name in ours:
            param = f"tools[{index}].{name_field}"
            hint = "rename it, or leave the gateway's out with the header x-toolgate-tools"
            message = f"{param}: {tool.name!r} is the name of one of the gateway's tools; {hint}"
            raise InvalidRequest(message, param=param)
