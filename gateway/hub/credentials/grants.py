"""Requests to an authorization server: for tokens, to register, and to revoke."""

from __future__ import annotations

import time
from collections.abc import Mapping

from gateway.hub.credentials.clients import Client, PublicPlace, read_registration
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.metadata import ServerMetadata
from gateway.hub.credentials.tokens import Tokens, read_tokens, refused


async def ask_for_tokens(
    fetcher: Fetcher,
    server: ServerMetadata,
    client: Client,
    grant: Mapping[str, str],
    *,
    resource: str | None,
    scopes: tuple[str, ...],
) -> Tokens:
    """The tokens for a grant, which are for `resource` alone (RFC 8707). Raises OAuthFault."""
    now = time.time()
    bound = {**grant, **({"resource": resource} if resource else {})}
    form, headers = client.sign(bound, server, now=now)
    answer = await fetcher.post_form(server.token_endpoint, form, headers)
    return read_tokens(answer.status, answer.document, asked=scopes, now=now)


async def register(fetcher: Fetcher, server: ServerMetadata, place: PublicPlace) -> Client:
    """The gateway as a new client (RFC 7591). Raises OAuthFault."""
    if server.registration_endpoint is None:
        hint = "its operator has to register the gateway there, and name its client_id"
        raise OAuthFault(f"its authorization server takes no unknown clients: {hint}")
    asked = place.registration(server)
    answer = await fetcher.post_json(server.registration_endpoint, asked)
    if answer.status not in (200, 201):
        raise refused(answer.status, answer.document)
    return read_registration(answer.document, asked)


async def revoke(fetcher: Fetcher, server: ServerMetadata, client: Client, tokens: Tokens) -> None:
    """Take the tokens back where that can be done (RFC 7009). Raises OAuthFault."""
    if server.revocation_endpoint is None:
        return
    given = [("refresh_token", tokens.refresh), ("access_token", tokens.access)]
    for hint, token in given:
        if token is not None:
            form, headers = client.sign({"token": token, "token_type_hint": hint}, server, now=time.time())
            answer = await fetcher.post_form(server.revocation_endpoint, form, headers)
            if answer.status >= 400:
                raise refused(answer.status, answer.document)
