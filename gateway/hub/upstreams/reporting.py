"""How upstreams tell of themselves.

Above: the kinds of upstreams. Below: `gateway.hub.status`.
"""

from __future__ import annotations

from gateway.hub.catalogue import Listing
from gateway.hub.connection import Connection
from gateway.hub.specs import HttpServerSpec, InProcessServerSpec, OpenApiServerSpec, ServerSpec
from gateway.hub.status import ServerState, ServerStatus, TransportName


def transport_name(spec: ServerSpec) -> TransportName:
    """How a server is spoken to, in a word."""
    if isinstance(spec, OpenApiServerSpec):
        return "openapi"
    if isinstance(spec, HttpServerSpec):
        return spec.transport
    return "in_process" if isinstance(spec, InProcessServerSpec) else "stdio"


def status_of(
    transport: TransportName, state: ServerState, connection: Connection, listing: Listing, *, instances: int = 0
) -> ServerStatus:
    """A status with what its connection and its listing have to say."""
    return ServerStatus(
        connection.name,
        transport,
        state,
        connection.since,
        era=connection.era,
        tools=len(listing.tools),
        resources=len(listing.resources) + len(listing.templates),
        prompts=len(listing.prompts),
        left_out=listing.bad,
        drift=listing.drift,
        error=connection.error,
        activity=connection.activity,
        stderr_tail=connection.stderr_tail,
        said=tuple(connection.said),
        sandbox=connection.transport.backend,
        instances=instances,
    )
