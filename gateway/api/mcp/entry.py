"""Who comes to `/mcp`, and what there is for them: the steps that every request takes before it is understood.

Host and page, then the key, then the server in the path. A server that the key may not see answers like one that
is not there.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.api.mcp.surface import Surface, Surfaces
from gateway.api.mcp.wire import http_refusal
from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.api.tool_access import expose_tools
from gateway.api.toolgate_field import read_options
from gateway.auth import Principal, presented_in
from gateway.errors import AuthenticationFailed, InsufficientScope
from gateway.exposure import Exposure
from gateway.tool_calls import offer_name
from tool_policies import Policy

PATH = "/mcp"
_NO_SERVER = "There is no tool server here"


async def authenticate(request: Request, services: Services) -> Principal:
    """Whose key this is: the one place where `/mcp` asks. Raises Refusal, which tells how to be let in."""
    path, resource = request.scope["path"].rstrip("/"), services.protected_resource
    try:
        return await services.callers.identify(request.headers, audiences=resource.audiences_at(path))
    except AuthenticationFailed as error:
        presented = "invalid_token" if presented_in(request.headers) else ""
        raise http_refusal(401, error.message, _challenge(resource.challenge_at(path, error=presented))) from error
    except InsufficientScope as error:
        told = resource.challenge_at(path, error=error.code, scopes=error.scopes)
        raise http_refusal(403, error.message, _challenge(told)) from error


def _challenge(told: str) -> dict[str, str]:
    return {"www-authenticate": told}


def server_in(path: str) -> str | None:
    """The server that a path names; None for all of them."""
    return path.removeprefix(PATH).strip("/") or None


def see(request: Request, services: Services, principal: Principal, surfaces: Surfaces) -> Surface:
    """What the key sees at the path of a request. Raises Refusal."""
    server = server_in(request.scope["path"])
    options = read_options(request.headers, {})
    exposure = expose_tools(services, _asking(principal), options)
    if server is not None and not _sees(server, services, exposure):
        raise http_refusal(404, _NO_SERVER)
    return surfaces.find(server, exposure.policy, services.hub.catalogue, exposure.tools)


def _asking(principal: Principal) -> Principal:
    """Whoever comes here asks for tools: what `on_request` waits for."""
    return replace(principal, tools="auto") if principal.tools == "on_request" else principal


def _sees(server: str, services: Services, exposure: Exposure[Policy]) -> bool:
    """Whether the key has a server: by what it lists, or while nobody knows that, by what it might list."""
    if services.hub.states().get(server, "disabled") == "disabled":
        return False
    if server not in services.hub.catalogue.servers:
        return exposure.policy.reaches(server)
    offered = (offer_name(server, "resources"), offer_name(server, "prompts"))
    return any(tool.server == server for tool in exposure.tools) or any(map(exposure.policy.visible, offered))
