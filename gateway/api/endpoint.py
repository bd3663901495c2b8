"""The frame around every plain endpoint: exceptions become answers, answers carry ids, both are counted."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from gateway.api.errors import error_response
from gateway.api.requests import ClientLeft, Request
from gateway.api.responses import Response, send_response
from gateway.telemetry import Metrics

Handler = Callable[[Request], Awaitable[Response]]


class Endpoint:
    """An ASGI application for one route, for answers that are sent whole. `body_limit` is in bytes."""

    def __init__(self, route: str, handler: Handler, metrics: Metrics, *, body_limit: int = 64 * 1024) -> None:
        self._route = route
        self._handler = handler
        self._metrics = metrics
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.perf_counter()
        request = Request(scope, receive, body_limit=self._body_limit)
        try:
            response = await self._handler(request)
        except ClientLeft:
            return
        except Exception as error:  # noqa: BLE001 - the boundary at which every exception becomes an answer
            response = error_response(error, request_id=request.request_id)
        await send_response(send, response, identify(request))
        self._metrics.request(self._route, response.status, time.perf_counter() - started)


def identify(request: Request) -> dict[str, str]:
    """The headers that every answer carries."""
    return {"x-request-id": request.request_id, "x-toolgate-run-id": request.run_id}
