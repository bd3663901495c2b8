"""The servers that want tokens: they have to answer, and it has to be known who issues the tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from gateway.building.server_locks import server_spec
from gateway.cli.checkup.findings import Finding, Tell
from gateway.config import HttpServerConfig, OpenApiServerConfig, ServerConfig
from gateway.hub import HttpServerSpec, OAuthFault, OpenApiServerSpec, look_at_issuer

_ASK = "with tokens it is not tried, which are the running gateway's: ask that one, GET /v1/servers"
_LOCKED = "where another issuer is meant, lock the server again"


def wants_tokens(server: ServerConfig) -> bool:
    """Whether the gateway, or each of its users, has to get tokens for it."""
    return isinstance(server, HttpServerConfig | OpenApiServerConfig) and server.auth is not None


async def check_issuers(
    servers: Sequence[ServerConfig], locked: Mapping[str, str], tell: Tell, *, patience: float
) -> None:
    """Tell who issues the tokens for each of these servers. `locked` has the only one that will do, by server."""
    async with anyio.create_task_group() as tasks:
        for server in servers:
            if not server.disabled:
                tasks.start_soon(_check, server, locked.get(server.name), tell, patience)


async def _check(server: ServerConfig, locked: str | None, tell: Tell, patience: float) -> None:
    spec = server_spec(server)
    if not isinstance(spec, HttpServerSpec | OpenApiServerSpec):
        return
    try:
        with anyio.fail_after(patience):
            issuer = await look_at_issuer(spec, locked)
    except TimeoutError:
        message = f"who issues its tokens was not found out within {patience:g} s"
        tell(Finding("fail", "server", server.name, message, "wait longer with --timeout"))
    except OAuthFault as fault:
        hint = _LOCKED if locked is not None and not fault.is_passing else None
        tell(Finding("fail", "server", server.name, f"no tokens can be had for it: {fault.message}", hint))
    else:
        tell(Finding("ok", "server", server.name, f"answers, and {issuer} issues its tokens", _ASK))
