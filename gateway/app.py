"""The ASGI application: which endpoint stands at which path. No logic.

The routes that agents call are plain ASGI endpoints, found by one look into a dict; FastAPI has everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api import (
    bedrock_paths,
    connect_pages,
    connections,
    gemini_paths,
    health,
    models,
    requests,
    response_objects,
    servers,
    tools,
)
from gateway.api.account import endpoints
from gateway.api.embeddings_and_completions import plain_call
from gateway.api.endpoint import Endpoint, plain
from gateway.api.errors import ErrorAnswer
from gateway.api.mcp import MCP_PATH, McpEndpoint
from gateway.api.mcp.signing_in import show_metadata
from gateway.api.media_calls import MEDIA, media_call
from gateway.api.model_endpoint import model_endpoint
from gateway.api.protected_resource import WELL_KNOWN
from gateway.api.services import Admit
from gateway.api.token_counts import token_counting
from gateway.dialects import Dialect
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.anthropic_messages.mcp_references import mcp_references
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.cohere_v2 import COHERE_V2
from gateway.dialects.gemini import GEMINI
from gateway.dialects.mcp_references import openai_references
from gateway.dialects.ollama import OLLAMA
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.telemetry import Metrics
from gateway.telemetry.visible import one_line

_BEGINNINGS: Mapping[str, Dialect] = {
    "/v1/messages": ANTHROPIC_MESSAGES,
    "/v1/responses": OPENAI_RESPONSES,
    "/v2/chat": COHERE_V2,
    "/api/": OLLAMA,
    "/v1beta/": GEMINI,
    bedrock_paths.PREFIX: BEDROCK_CONVERSE,
}
"""Of paths whose clients speak another dialect than OpenAI's Chat."""
_LONGEST_PATH = 200  # characters of it in an error


def build_app(admit: Admit, metrics: Metrics, *, observe: Admit | None = None) -> ASGIApp:
    """The application of one gateway, whichever its configuration is at the moment.

    `observe` admits probes and operators, who must get through when the gateway is full; without it, `admit` does.
    """
    agents = {
        ("POST", "/v1/chat/completions"): model_endpoint(OPENAI_CHAT, references=openai_references),
        ("POST", "/v1/responses"): model_endpoint(OPENAI_RESPONSES, references=openai_references),
        ("POST", "/v1/messages"): model_endpoint(ANTHROPIC_MESSAGES, references=mcp_references),
        ("POST", "/v1/messages/count_tokens"): token_counting(ANTHROPIC_MESSAGES),
        ("POST", "/v2/chat"): model_endpoint(COHERE_V2),
        ("POST", "/api/chat"): model_endpoint(OLLAMA),
        ("GET", "/api/tags"): plain(models.list_tags),
        ("POST", "/v1/embeddings"): plain_call("/embeddings"),
        ("POST", "/v1/completions"): plain_call("/completions"),
        **{("POST", f"/v1{path}"): media_call(path, shape) for path, shape in MEDIA.items()},
        **endpoints.AT,
        ("GET", "/v1beta/models"): plain(models.list_googles),
        ("GET", "/v1/models"): plain(models.list_models),
        ("GET", "/v1/tools"): plain(tools.list_tools),
        ("GET", connections.PATH): plain(connections.list_connections),
        ("GET", connect_pages.CALLBACK): plain(connect_pages.callback),
        ("GET", connect_pages.DOCUMENT): plain(connect_pages.client_document),
        ("GET", servers.PATH): plain(servers.list_servers),
    }
    observers = {
        ("GET", "/healthz"): plain(health.healthz),
        ("GET", "/readyz"): plain(health.readyz),
        ("GET", "/metrics"): plain(health.metrics),
        ("GET", WELL_KNOWN): plain(show_metadata),
    }
    hot = {
        place: Endpoint(place[1], handler, admit, metrics, _dialect_at(place[1]))
        for place, handler in agents.items()
    }
    hot |= {place: Endpoint(place[1], handler, observe or admit, metrics) for place, handler in observers.items()}
    fastapi = FastAPI(title="toolgate", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    call_tool = tools.PREFIX + "{name:path}"
    endpoint = Endpoint(call_tool, plain(tools.call_tool), admit, metrics)
    fastapi.router.routes.append(Route(call_tool, endpoint, methods=["POST"]))
    converse = model_endpoint(BEDROCK_CONVERSE, bedrock_paths.addressing)
    for suffix in (bedrock_paths.WHOLE, bedrock_paths.STREAM):
        place = bedrock_paths.PREFIX + "{model:path}" + suffix
        endpoint = Endpoint(place, converse, admit, metrics, BEDROCK_CONVERSE)
        fastapi.router.routes.append(Route(place, endpoint, methods=["POST"]))
    show_stored = response_objects.PREFIX + "{id:path}"
    stored = Endpoint(show_stored, plain(response_objects.stored_response), admit, metrics, OPENAI_RESPONSES)
    fastapi.router.routes.append(Route(show_stored, stored, methods=["GET", "DELETE"]))
    paths = frozenset(path for _, path in agents)
    fastapi.add_exception_handler(404, partial(_not_found, paths))
    fastapi.add_exception_handler(405, _method_not_allowed)
    below: dict[tuple[str, str], ASGIApp] = {
        ("POST", prefix): Endpoint(prefix + "{model}", gemini_paths.call_gemini, admit, metrics, GEMINI)
        for prefix in gemini_paths.PREFIXES
    }
    for (method, prefix), handler in endpoints.BELOW.items():
        below[method, prefix] = Endpoint(prefix + "{id}", handler, admit, metrics, _dialect_at(prefix))
    told = Endpoint(WELL_KNOWN, plain(show_metadata), observe or admit, metrics)
    below |= {("GET", f"{WELL_KNOWN}/"): told, ("HEAD", f"{WELL_KNOWN}/"): told}
    for method, prefix, handler in (
        ("DELETE", connections.PREFIX, connections.delete_connection),
        ("GET", connect_pages.CONNECT, connect_pages.connect),
    ):
        below[method, prefix] = Endpoint(prefix + "{server}", plain(handler), admit, metrics)
    for prefix, handler in (("/v1/models/", models.show_model), ("/v1beta/models/", models.show_googles)):
        shown = Endpoint(prefix + "{model}", plain(handler), admit, metrics, _dialect_at(prefix))
        below |= {("GET", prefix): shown, ("HEAD", prefix): shown}
    return _Routes(hot, below, McpEndpoint(admit, observe or admit, metrics), fastapi)


class _Routes:
    """Endpoints by method and exact path; then MCP's, which takes every method, and those that are sent something
    to a path below one; anything else is FastAPI's.
    """

    def __init__(
        self,
        endpoints: Mapping[tuple[str, str], ASGIApp],
        below: Mapping[tuple[str, str], ASGIApp],
        mcp: ASGIApp,
        others: ASGIApp,
    ) -> None:
        self._endpoints = endpoints
        self._below = below
        self._methods = {path: method for method, path in endpoints}
        self._mcp = mcp
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            endpoint = self._endpoints.get((scope["method"], scope["path"])) or self._rarely(scope)
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await _refuse_upgrade(scope, receive, send)
            return
        await self._others(scope, receive, send)

    def _rarely(self, scope: Scope) -> ASGIApp | None:
        """Who answers another method at one of the paths: HEAD is GET, whose body the server leaves out."""
        path: str = scope["path"]
        if path == MCP_PATH or path.startswith(MCP_PATH + "/"):
            return self._mcp
        method = self._methods.get(path)
        if method is None:
            return self._beneath(scope)
        if method == "GET" and scope["method"] == "HEAD":
            return self._endpoints[method, path]
        if scope["method"] == "GET" and any(name == b"upgrade" for name, _ in scope["headers"]):
            return _refuse_upgrade
        return _refuse_method(Request(scope), "GET, HEAD" if method == "GET" else method)

    def _beneath(self, scope: Scope) -> ASGIApp | None:
        for (method, prefix), endpoint in self._below.items():
            if scope["method"] == method and scope["path"].startswith(prefix) and scope["path"] != prefix:
                return endpoint
        return None


async def _refuse_upgrade(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer who wants a WebSocket that plain HTTP it is: some clients fall back to it at this status alone."""
    asked = Request({**scope, "type": "http", "method": "GET"})
    message = f"{_path(asked)} is not served over WebSockets: send a plain HTTP POST"
    response = _error(asked, ErrorAnswer(426, message, "invalid_request_error", "upgrade_required"))
    response.headers["upgrade"] = "HTTP/1.1"
    await response(scope, receive, send)


def _not_found(paths: Collection[str], request: Request, _: Exception) -> JSONResponse:
    message = f"there is nothing at {request.method} {_path(request)}"
    if meant := _meant(request.scope["path"], paths):
        message += f"; did you mean {one_line(meant, _LONGEST_PATH)}? Then mend the client's base URL"
    return _error(request, ErrorAnswer(404, message, "invalid_request_error", "unknown_url"))


def _meant(path: str, paths: Collection[str]) -> str | None:
    """Where a client wanted to go whose base URL has a /v1 too many, or lacks one."""
    below = (*gemini_paths.PREFIXES, bedrock_paths.PREFIX)
    for guess in (path.removeprefix("/v1"), f"/v1{path}"):
        if guess != path and (guess in paths or guess.startswith(below)):
            return guess
    return None


def _method_not_allowed(request: Request, _: Exception) -> JSONResponse:
    is_stored = request.scope["path"].startswith(response_objects.PREFIX)
    return _refuse_method(request, "GET, DELETE" if is_stored else "POST")


def _refuse_method(request: Request, allowed: str) -> JSONResponse:
    message = f"{_path(request)} does not take {request.method}"
    response = _error(request, ErrorAnswer(405, message, "invalid_request_error", "method_not_allowed"))
    response.headers["allow"] = allowed
    return response


def _path(request: Request) -> str:
    return one_line(request.scope["path"], _LONGEST_PATH)


def _dialect_at(path: str) -> Dialect:
    """In whose words clients are told of errors at a path."""
    found = (dialect for beginning, dialect in _BEGINNINGS.items() if path.startswith(beginning))
    return next(found, OPENAI_CHAT)


def _error(request: Request, answer: ErrorAnswer) -> JSONResponse:
    asked = requests.Request(request.scope, request.receive)
    body = _dialect_at(request.scope["path"]).write_error(answer, request_id=asked.request_id)
    return JSONResponse(body, status_code=answer.status, headers=asked.ids)
