"""An API that wants a credential of each kind that FastAPI knows, and writes a document that says so."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request, Security
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    OpenIdConnect,
)
from fastapi.security.http import HTTPAuthorizationCredentials
from fastapi.security.oauth2 import OAuth2AuthorizationCodeBearer

HEADER = APIKeyHeader(name="X-Api-Key", scheme_name="header-key")
QUERY = APIKeyQuery(name="api_key", scheme_name="query-key")
COOKIE = APIKeyCookie(name="session", scheme_name="cookie-key")
BASIC = HTTPBasic(scheme_name="login")
BEARER = HTTPBearer(scheme_name="token")
PEOPLE = OAuth2AuthorizationCodeBearer(
    authorizationUrl="https://id.example/authorize", tokenUrl="https://id.example/token", scheme_name="people"
)
OIDC = OpenIdConnect(openIdConnectUrl="https://id.example/.well-known/openid-configuration", scheme_name="oidc")


def build_secured_api(*, prefix: str = "") -> FastAPI:
    """Each operation answers with the credential that reached it."""
    app = FastAPI(title="Vault", version="1.0")

    @app.get(f"{prefix}/header", operation_id="byHeader")
    def by_header(key: Annotated[str, Security(HEADER)]) -> dict[str, Any]:
        return {"key": _told(key)}

    @app.get(f"{prefix}/query", operation_id="byQuery")
    def by_query(key: Annotated[str, Security(QUERY)], q: str = "") -> dict[str, Any]:
        return {"key": _told(key), "q": q}

    @app.get(f"{prefix}/cookie", operation_id="byCookie")
    def by_cookie(request: Request, key: Annotated[str, Security(COOKIE)]) -> dict[str, Any]:
        return {"key": _told(key), "cookies": sorted(request.cookies)}

    @app.get(f"{prefix}/basic", operation_id="byPassword")
    def by_password(login: Annotated[HTTPBasicCredentials, Security(BASIC)]) -> dict[str, Any]:
        return {"user": login.username, "key": _told(login.password)}

    @app.get(f"{prefix}/bearer", operation_id="byToken")
    def by_token(token: Annotated[HTTPAuthorizationCredentials, Security(BEARER)]) -> dict[str, Any]:
        return {"key": _told(token.credentials), "raw": token.credentials}

    @app.post(f"{prefix}/people/{{name}}", operation_id="byUser")
    def by_user(name: str, token: Annotated[str, Security(PEOPLE)]) -> dict[str, Any]:
        return {"name": name, "raw": token}

    @app.get(f"{prefix}/oidc", operation_id="byOpenId")
    def by_open_id(header: Annotated[str, Security(OIDC)]) -> dict[str, Any]:
        return {"raw": header}

    @app.get(f"{prefix}/open", operation_id="byNobody")
    def by_nobody(request: Request) -> dict[str, Any]:
        return {"headers": sorted(request.headers), "query": str(request.query_params)}

    return app


def _told(credential: str) -> str:
    """In a form that nobody takes for the credential."""
    return " ".join(credential)
