"""`GET /v1/connections` and `DELETE /v1/connections/{server}`: a user's own credentials for tool servers."""

from __future__ import annotations

from typing import Any

from gateway.api.requests import Request
from gateway.api.responses import Response, json_response
from gateway.api.services import Services
from gateway.auth import Principal
from gateway.errors import NotFound
from gateway.hub import Connecting, UserTokens, label_of, subject_of

PATH = "/v1/connections"
PREFIX = "/v1/connections/"


async def list_connections(request: Request, services: Services) -> Response:
    """The servers at which the caller can be connected, whether they are, and where they connect."""
    principal = await services.callers.identify(request.headers)
    told = [
        await _described(services.connecting, server, principal) for server in _servers_of(principal, services)
    ]
    return json_response({"object": "list", "data": told})


async def delete_connection(request: Request, services: Services) -> Response:
    """Forget the caller's credentials for a server, and take them back where they came from."""
    principal = await services.callers.identify(request.headers)
    name = request.path_after(PREFIX)
    server = next((server for server in _servers_of(principal, services) if server.name == name), None)
    subject = None if server is None else subject_of(server.auth.per, principal.owner, principal.user)
    if server is None or subject is None or not await services.connecting.disconnect(server, subject):
        raise NotFound(f"there is no connection to {name[:64]!r}", code="connection_not_found")
    return json_response({"object": "connection", "server": name, "deleted": True})


async def connection_of(server: str, principal: Principal, services: Services) -> dict[str, Any]:
    """What is told of the caller's own connection beside a server's state; nothing where there is none."""
    users = services.connecting.servers.get(server)
    if users is None:
        return {}
    told = await _described(services.connecting, users, principal)
    return {"connected": told["connected"], "connect_url": told["connect_url"]}


def _servers_of(principal: Principal, services: Services) -> list[UserTokens]:
    """Those that this key's policy lets it use at all."""
    policy = services.policies[principal.key_id]
    return [server for name, server in services.connecting.servers.items() if policy.reaches(name)]


async def _described(connecting: Connecting, server: UserTokens, principal: Principal) -> dict[str, Any]:
    told: dict[str, Any] = {"server": server.name, "connected": False, "connect_url": None}
    subject = subject_of(server.auth.per, principal.owner, principal.user)
    if subject is None:
        return {**told, "error": "it works for users alone, and no user was proven to be behind this call"}
    told["connect_url"] = connecting.link(server.name, subject, label_of(subject, principal.user))
    record = await server.record(subject)
    if record is None:
        return told
    return {
        **told,
        "connected": record.is_live,
        "issuer": record.server.issuer,
        "scopes": list(record.tokens.scopes),
        "since": record.since,
    }
