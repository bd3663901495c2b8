"""The ASGI application: which endpoint stands at which path. No logic.

The routes that agents call are plain ASGI endpoints, found by one look into a dict; FastAPI has everything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api import health, models, tools
from gateway.api.chat_completions import chat_completions
from gateway.api.endpoint import Endpoint, Handler, plain
from gateway.api.errors import ErrorAnswer
from gateway.api.services import Admit
from gateway.telemetry import Metrics


def build_app(admit: Admit, metrics: Metrics) -> ASGIApp:
    """The application of one gateway, whichever its configuration is at the moment."""

    def endpoint(route: str, handler: Handler) -> Endpoint:
        return Endpoint(route, handler, admit, metrics)

    fastapi = FastAPI(title="toolgate", openapi_url=None, docs_url=None, redoc_url=None)
    named = ("/v1/tools/{name:path}", plain(tools.call_tool))
    fastapi.router.routes.append(Route(named[0], endpoint(*named), methods=["POST"]))
    fastapi.add_exception_handler(404, _not_found)
    fastapi.add_exception_handler(405, _method_not_allowed)
    hot = {
        ("POST", "/v1/chat/completions"): chat_completions,
        ("GET", "/v1/models"): plain(models.list_models),
        ("GET", "/v1/tools"): plain(tools.list_tools),
        ("GET", "/healthz"): plain(health.healthz),
        ("GET", "/readyz"): plain(health.readyz),
        ("GET", "/metrics"): plain(health.metrics),
    }
    return _Routes({place: endpoint(place[1], handler) for place, handler in hot.items()}, fastapi)


class _Routes:
    """Endpoints by method and exact path; anything else is FastAPI's."""

    def __init__(self, endpoints: Mapping[tuple[str, str], ASGIApp], others: ASGIApp) -> None:
        self._endpoints = endpoints
        self._paths = {path for _, path in endpoints}
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            endpoint = self._endpoints.get((scope["method"], scope["path"]))
            if endpoint is not None:
                await endpoint(scope, receive, send)
                return
            if scope["path"] in self._paths:
                refusal = _method_not_allowed(Request(scope), None)
                await refusal(scope, receive, send)
                return
        await self._others(scope, receive, send)


def _not_found(request: Request, _: Exception | None) -> JSONResponse:
    message = f"there is nothing at {request.method} {request.url.path}"
    return _error(ErrorAnswer(404, message, "invalid_request_error", "unknown_url"))


def _method_not_allowed(request: Request, _: Exception | None) -> JSONResponse:
    message = f"{request.url.path} does not take {request.method}"
    return _error(ErrorAnswer(405, message, "invalid_request_error", "method_not_allowed"))


def _error(answer: ErrorAnswer) -> JSONResponse:
    return JSONResponse(answer.body(), status_code=answer.status)
