"""A little authorization server: the official SDK's own, which lets everybody in and signs its tokens."""

from __future__ import annotations

import secrets
import time
from typing import Any

from mcp.server.auth.provider import AuthorizationCode, AuthorizationParams, construct_redirect_uri
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tests.support.issuing import Issuer


class Authorizing:
    """Grants what is asked for, as far as `grants` has it; `resources` are those that tokens were asked for."""

    def __init__(self, issuer: Issuer, grants: frozenset[str]) -> None:
        self.issuer = issuer
        self.grants = grants
        self.resources: list[str | None] = []
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}

    def app(self) -> Starlette:
        keys = Route("/keys", lambda _: Response(self.issuer.key_set, media_type="application/json"))
        options = ClientRegistrationOptions(enabled=True, valid_scopes=["tools", "more"])
        provider: Any = self
        return Starlette(
            routes=[
                keys,
                *create_auth_routes(provider, AnyHttpUrl(self.issuer.issuer), client_registration_options=options),
            ]
        )

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id is not None
        self._clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = secrets.token_urlsafe(24)
        self._codes[code] = AuthorizationCode(
            code=code,
            client_id=client.client_id or "",
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(self, client: Any, authorization_code: str) -> AuthorizationCode | None:
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(self, client: Any, authorization_code: AuthorizationCode) -> OAuthToken:
        del self._codes[authorization_code.code]
        self.resources.append(authorization_code.resource)
        scope = " ".join(sorted(self.grants & set(authorization_code.scopes)))
        token = self.issuer.token(aud=authorization_code.resource, scope=scope)
        return OAuthToken(access_token=token, expires_in=600, scope=scope)
