"""An MCP server that wants tokens, and the authorization server that issues them, on one loopback port.

The authorization server is written by hand, so that it can be wrong in every way that one can be.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from tests.integration.hub.servers.over_http import Front, Seen, bound_socket, sdk_app, served, url_of


@dataclass
class Authority:
    """What the authorization server does, and what it has seen. `login` is whoever sits at the browser."""

    origin: str = ""
    path: str = "/mcp"
    login: str = "alice"
    challenge: str = "resource_metadata scope"
    resource: str | None = None
    issuer: str | None = None
    issuers: list[str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    iss: str | None = "right"
    life: int | None = 3600
    gives_refresh: bool = True
    scopes_needed: tuple[str, ...] = ("tools",)
    secrets: dict[str, str] = field(default_factory=dict)
    token_status: int = 200
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    refreshes: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    registrations: list[dict[str, Any]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    heard: list[tuple[str, str, str]] = field(default_factory=list)
    """Whose token each call was made with, in which session if in any, and its argument `text`."""
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.origin}{self.path}"

    def expire(self) -> None:
        """Let no access token be good any more."""
        self.tokens.clear()

    def grants(self, kind: str) -> list[dict[str, str]]:
        return [form for form in self.forms if form["grant_type"] == kind]

    def told(self) -> dict[str, Any]:
        whole = {
            "issuer": self.issuer or self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "registration_endpoint": f"{self.origin}/register",
            "revocation_endpoint": f"{self.origin}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "private_key_jwt"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in whole.items() if name not in self.without}

    def issue(self, who: dict[str, Any]) -> dict[str, Any]:
        access, refresh = f"access-{secrets.token_urlsafe(16)}", f"refresh-{secrets.token_urlsafe(16)}"
        self.tokens[access] = who
        answer: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "scope": " ".join(who["scopes"])}
        if self.life is not None:
            answer["expires_in"] = self.life
        if self.gives_refresh and who["user"] != "machine":
            self.refreshes[refresh] = who
            answer["refresh_token"] = refresh
        return answer


class ProtectedServer:
    """The ASGI app: the authorization server's paths, and an MCP server, or an API below it, behind a guard."""

    def __init__(self, authority: Authority, mcp: Any) -> None:
        self._authority = authority
        self._mcp = mcp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        self._authority.paths.append(scope["path"])
        if scope["path"].startswith(self._authority.path):
            refusal = await self._guard(request)
            await (refusal or self._mcp)(scope, request.receive if refusal else self._replayed(request), send)
            return
        await (await self._answer(request))(scope, receive, send)

    def _replayed(self, request: Request) -> Any:
        body, done = getattr(request, "_body", b""), False

        async def receive() -> Any:
            nonlocal done
            if done:
                return await request.receive()
            done = True
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    async def _guard(self, request: Request) -> Response | None:
        authority = self._authority
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        who = authority.tokens.get(token)
        missing = who is not None and set(authority.scopes_needed) - set(who["scopes"])
        if who is None or missing:
            return self._refusal(403 if missing else 401)
        if authority.path != "/mcp":
            authority.calls.append((who["user"], request.url.path.removeprefix(authority.path)))
            return None
        message = await request.json() if request.method == "POST" else {}
        if message.get("method") == "tools/call":
            authority.calls.append((who["user"], message["params"]["name"]))
            text = message["params"].get("arguments", {}).get("text", "")
            authority.heard.append((who["user"], request.headers.get("mcp-session-id", ""), text))
        return None

    def _refusal(self, status: int) -> Response:
        authority = self._authority
        said = {
            "resource_metadata": f"{authority.origin}/.well-known/oauth-protected-resource{authority.path}",
            "scope": " ".join(authority.scopes_needed),
            "error": "insufficient_scope" if status == 403 else "invalid_token",
        }
        shown = (*authority.challenge.split(), *(("error", "scope") if status == 403 else ()))
        parts = ", ".join(f'{name}="{said[name]}"' for name in dict.fromkeys(shown))
        return Response("no", status, {"WWW-Authenticate": f"Bearer {parts}".strip()})

    async def _answer(self, request: Request) -> Response:
        authority, path = self._authority, request.url.path
        if path.startswith("/.well-known/oauth-protected-resource"):
            told = {
                "resource": authority.resource or authority.url,
                "authorization_servers": authority.issuers or [authority.origin],
            }
            return JSONResponse(told) if "prm" not in authority.without else Response("none", 404)
        if path in ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"):
            return JSONResponse(authority.told())
        if path == "/authorize":
            return self._authorize(dict(request.query_params))
        body = await request.body()
        if path == "/register":
            return self._register(await request.json())
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if path == "/revoke":
            authority.revoked.append(form["token"])
            authority.tokens.pop(form["token"], None)
            return Response("")
        return self._token(form, request.headers.get("authorization", ""))

    def _register(self, document: dict[str, Any]) -> Response:
        self._authority.registrations.append(document)
        return JSONResponse({**document, "client_id": f"client-{len(self._authority.registrations)}"}, 201)

    def _authorize(self, asked: dict[str, str]) -> Response:
        authority = self._authority
        authority.asked.append(asked)
        code = secrets.token_urlsafe(8)
        authority.codes[code] = {**asked, "user": authority.login, "scopes": asked.get("scope", "").split()}
        back = {"code": code, "state": asked["state"]}
        if authority.iss is not None:
            back["iss"] = authority.origin if authority.iss == "right" else authority.iss
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    def _token(self, form: dict[str, str], authorization: str) -> Response:
        authority = self._authority
        authority.forms.append(form)
        if authority.token_status != 200:
            return JSONResponse({"error": "temporarily_unavailable"}, authority.token_status)
        match form["grant_type"]:
            case "client_credentials":
                given = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
                known = authority.secrets.get(given[0]) == unquote_plus(given[2]) and given[0] != ""
                known = known or "client_assertion" in form
                who = {"user": "machine", "scopes": form.get("scope", "").split()} if known else None
            case "refresh_token":
                who = authority.refreshes.pop(form["refresh_token"], None)
            case _:
                who = self._redeemed(form)
        if who is None or form.get("resource") != (authority.resource or authority.url):
            return JSONResponse({"error": "invalid_grant", "error_description": "s3cret"}, 400)
        return JSONResponse(authority.issue(who))

    def _redeemed(self, form: dict[str, str]) -> dict[str, Any] | None:
        code = self._authority.codes.pop(form["code"], None)
        digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if code is None or digest.decode() != code["code_challenge"]:
            return None
        return code if form["redirect_uri"] == code["redirect_uri"] else None


@asynccontextmanager
async def protected_api(app: ASGIApp, **options: Any) -> AsyncGenerator[Authority]:
    """An API below `/api`, behind an authorization server of ours."""
    with bound_socket() as listener:
        parts = urlsplit(url_of(listener))
        authority = Authority(origin=f"{parts.scheme}://{parts.netloc}", path="/api", **options)
        async with served(ProtectedServer(authority, app), listener):
            yield authority


@asynccontextmanager
async def protected_server(*, era: str = "modern", **options: Any) -> AsyncGenerator[tuple[Authority, Seen]]:
    """An MCP server of this era with the SDK, behind an authorization server of ours."""
    with bound_socket() as listener:
        async with serving_protected(listener, era=era, **options) as served_one:
            yield served_one


@asynccontextmanager
async def serving_protected(
    listener: socket.socket, *, era: str = "modern", **options: Any
) -> AsyncGenerator[tuple[Authority, Seen]]:
    """The same behind a socket that is bound already."""
    parts = urlsplit(url_of(listener))
    authority = Authority(origin=f"{parts.scheme}://{parts.netloc}", **options)
    async with sdk_app() as (app, seen):
        front = Front(app, seen, legacy=era == "legacy")
        async with served(ProtectedServer(authority, front), listener):
            yield authority, seen
