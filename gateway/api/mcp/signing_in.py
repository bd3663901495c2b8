"""Where MCP clients learn how their users sign in; see `gateway.api.protected_resource`."""

from __future__ import annotations

from gateway.api.protected_resource import WELL_KNOWN
from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.errors import NotFound

_FOR_ANYBODY = {"access-control-allow-origin": "*", "cache-control": "public, max-age=300"}


async def show_metadata(request: Request, services: Services) -> Response:
    """Anybody may read it: clients do so before they have anything to present. Raises NotFound."""
    metadata = services.protected_resource.metadata(request.path_after(WELL_KNOWN))
    if metadata is None:
        raise NotFound("there is nothing here that OAuth protects")
    return json_response(metadata, headers=_FOR_ANYBODY)
