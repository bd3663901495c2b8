"""The tools of one request: what its key has, narrowed by what the request asks for."""

from __future__ import annotations

from gateway.api.services import Services
from gateway.api.toolgate_field import RequestOptions
from gateway.auth import Principal
from gateway.exposure import Exposure, check_required
from tool_policies import Policy

_NO_PATTERNS: tuple[tuple[str, ...], ...] = ((),)
_NO_TOOLS: Exposure[Policy] = Exposure(Policy(), (), ())


def expose_tools(services: Services, principal: Principal, options: RequestOptions) -> Exposure[Policy]:
    """The exposure for this key and request. Raises InvalidRequest and ToolsUnavailable for what it insists on."""
    if principal.tools == "off":
        check_required(_NO_TOOLS, options.require)
        return _NO_TOOLS
    attached = principal.tools == "auto" or (principal.tools == "on_request" and options.asks_for_tools)
    exposure = services.exposer.expose(
        services.hub.catalogue,
        services.policies[principal.key_id],
        services.hub.statuses(),
        options.narrowings if attached else _NO_PATTERNS,
    )
    check_required(exposure, options.require)
    return exposure
