"""`GET /v1/servers`: the tool servers that a key may use, and how they are doing.

A key is told states and reasons. What servers say on their standard error may hold anything: that is for
operators, and for clients on this machine. In all of it, the secrets of the configuration are taken out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from gateway.api.connections import connection_of
from gateway.api.health import describe_server
from gateway.api.operators import is_local, presents_operator_token
from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.api.tool_access import expose_tools
from gateway.api.toolgate_field import read_options
from gateway.api.tools import asking
from gateway.hub import ServerStatus
from gateway.telemetry.visible import one_line

PATH = "/v1/servers"
_LONGEST = 500  # characters of a reason


async def list_servers(request: Request, services: Services) -> Response:
    """The servers of the key; to whoever presents the operator token, all of them."""
    statuses = services.hub.statuses()
    if presents_operator_token(request, services.operator_token_digest):
        return _listed([describe_server(status, services.clean) for status in statuses])
    principal = await services.callers.identify(request.headers)
    exposure = expose_tools(services, asking(principal), read_options(request.headers, {}))
    usable = Counter(tool.server for tool in exposure.tools)
    known = {tool.server for tool in services.hub.catalogue.tools}
    own = [
        status
        for status in statuses
        if status.name in usable or (status.name not in known and exposure.policy.reaches(status.name))
    ]
    is_here = is_local(request)
    told = [_of_key(status, usable[status.name], services.clean, whole=is_here) for status in own]
    return _listed([server | await connection_of(server["name"], principal, services) for server in told])


def _listed(servers: list[dict[str, Any]]) -> Response:
    return json_response({"object": "list", "data": servers})


def _of_key(status: ServerStatus, usable: int, clean: Callable[[str], str], *, whole: bool) -> dict[str, Any]:
    """`tools` counts those that the key may use."""
    if whole:
        return {**describe_server(status, clean), "tools": usable}
    told: dict[str, Any] = {
        "name": status.name,
        "state": status.state,
        "transport": status.transport,
        "since": status.since,
        "tools": usable,
    }
    return {**told, "error": one_line(clean(status.error), _LONGEST)} if status.error else told
