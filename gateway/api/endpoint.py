"""The frame around every endpoint: it is admitted, its exceptions become answers, it is counted.

An `Endpoint` is a plain ASGI application: FastAPI's own machinery would cost more than all the rest of a request
that is passed through.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from gateway.api.answer import Answer
from gateway.api.requests import ClientLeft, Request
from gateway.api.responses import Response
from gateway.api.services import Admit, Services
from gateway.dialects import Dialect
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.telemetry import Metrics

Handler = Callable[[Request, Services, Answer], Awaitable[None]]
PlainHandler = Callable[[Request, Services], Awaitable[Response]]

_CLIENT_LEFT = 499
"""For the metrics alone, as nginx has it: nobody is there to be told."""


class Endpoint:
    """One route."""

    def __init__(
        self, route: str, handler: Handler, admit: Admit, metrics: Metrics, dialect: Dialect = OPENAI_CHAT
    ) -> None:
        """`dialect` is that of its clients, in which they are told of errors."""
        self.dialect = dialect
        self._route = route
        self._handler = handler
        self._admit = admit
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.perf_counter()
        request = Request(scope, receive)
        answer = Answer(request, send, self.dialect)
        status = _CLIENT_LEFT
        try:
            await self._serve(request, answer)
            status = answer.status
        except ClientLeft:
            pass
        finally:
            self._metrics.request(self._route, status, time.perf_counter() - started)

    async def _serve(self, request: Request, answer: Answer) -> None:
        try:
            with self._admit() as services:
                request.body_limit = services.http_limits.body_bytes
                await self._handler(request, services, answer)
        except ClientLeft:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary at which every exception becomes an answer
            await answer.fail(error)


def plain(handler: PlainHandler) -> Handler:
    """A handler that returns its whole answer, as one that sends it."""

    async def send_whole(request: Request, services: Services, answer: Answer) -> None:
        await answer.whole(await handler(request, services))

    return send_whole
