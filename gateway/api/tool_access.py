"""The tools of one request: what its key has, narrowed by what the request asks for."""

from __future__ import annotations

from gateway.api.brought_tools import BroughtTools
from gateway.api.services import Services
from gateway.api.toolgate_field import RequestOptions
from gateway.auth import Principal
from gateway.exposure import Exposure, Narrowings, check_required
from tool_policies import Policy

_NO_PATTERNS: tuple[tuple[str, ...], ...] = ((),)
NO_TOOLS: Exposure[Policy] = Exposure(Policy(), (), ())
"""What requests get to which no tools are attached."""


def expose_tools(
    services: Services, principal: Principal, options: RequestOptions, brought: BroughtTools | None = None
) -> Exposure[Policy]:
    """The exposure for this key and request, with the tools that it brings along.

    Raises InvalidRequest and ToolsUnavailable for what it insists on.
    """
    if principal.tools == "off":
        check_required(NO_TOOLS, options.require)
        return NO_TOOLS
    attached = principal.tools == "auto" or (principal.tools == "on_request" and options.asks_for_tools)
    exposure = services.exposer.expose(
        services.hub.catalogue,
        services.policies[principal.key_id],
        services.hub.states(),
        _with_brought(options.narrowings if attached else _NO_PATTERNS, brought, services),
        _pins(principal, brought),
    )
    check_required(exposure, options.require)
    return exposure


def _pins(principal: Principal, brought: BroughtTools | None) -> tuple[str, ...] | None:
    """What a model that has to search is shown at first; what a request brings is meant to be called."""
    if principal.selection != "search":
        return None
    return (*principal.pins, *(brought.patterns if brought is not None else ()))


def _with_brought(narrowings: Narrowings, brought: BroughtTools | None, services: Services) -> Narrowings:
    """What a request brings is attached whatever else it says; of a server that it names, no other tools are."""
    if brought is None or not brought.params:
        return narrowings
    widened = tuple((*patterns, *brought.patterns) for patterns in narrowings)
    if not brought.narrowed:
        return widened
    others = [name for name in services.hub.states() if name not in brought.narrowed]
    return (*widened, (*(f"{name}/*" for name in others), *brought.patterns))
