"""Tries the deployments of a route in turn, until one begins to answer.

Above: the tool loop and the API. Below: `gateway.providers`. Refuses to know: wire formats, tools, clients.

Once a client has been given anything of an answer, there is no going back: a second model would contradict the
first. Until then the next deployment is tried after every failure that it might not share.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from gateway.conversation import ModelRequest, ModelResponse, ResponseStarted, StreamEvent, UsageReported
from gateway.dialects.splice import rewrite_model
from gateway.errors import UpstreamError, UpstreamProtocolError, UpstreamRefused
from gateway.providers.answers import ProviderAnswer
from gateway.providers.caller import ProviderCaller
from gateway.providers.endpoints import Endpoint
from gateway.routing.price_book import PriceBook
from gateway.routing.targets import Deployment, Route

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class RoutedModel:
    """A route as a model to call: what the tool loop knows as a `ModelCaller`."""

    def __init__(self, caller: ProviderCaller, route: Route, prices: PriceBook) -> None:
        self._caller = caller
        self._route = route
        self._prices = prices

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One whole answer, of the first deployment that gives one. Raises UpstreamError: that of the last."""

        async def attempt(deployment: Deployment) -> ModelResponse:
            response = await self._caller.complete(deployment.provider, request, deployment.model)
            usage = response.usage
            return response if usage is None else replace(response, usage=self._prices.priced(usage, deployment))

        return await first_success(self._route, attempt)

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """One answer as it comes, of the first deployment that begins one. Raises UpstreamError likewise."""
        async with AsyncExitStack() as stack:

            async def attempt(deployment: Deployment) -> AsyncGenerator[StreamEvent]:
                async with AsyncExitStack() as own:
                    call = self._caller.stream(deployment.provider, request, deployment.model)
                    events = await own.enter_async_context(call)
                    beginning = await _beginning(events, deployment)
                    stack.push_async_exit(own.pop_all())
                return self._priced(_chained(beginning, events), deployment)

            events = await first_success(self._route, attempt)
            stack.push_async_callback(events.aclose)
            yield events

    async def _priced(
        self, events: AsyncGenerator[StreamEvent], deployment: Deployment
    ) -> AsyncGenerator[StreamEvent]:
        """The same events, with the cost beside the usage."""
        try:
            async for event in events:
                if isinstance(event, UsageReported):
                    yield replace(event, usage=self._prices.priced(event.usage, deployment))
                else:
                    yield event
        finally:
            await events.aclose()


class Forwarding:
    """Passes a request's bytes on, with only the model's name changed. See `Router.forward`.

    `endpoint` is that of the bytes' dialect; `path` is another one than where models are called.
    """

    __slots__ = (
        "_body",
        "_call",
        "_caller",
        "_endpoint",
        "_headers",
        "_parsed",
        "_path",
        "_route",
        "deployment",
    )

    def __init__(
        self,
        caller: ProviderCaller,
        route: Route,
        endpoint: Endpoint,
        body: bytes,
        parsed: Mapping[str, Any],
        headers: Mapping[str, str],
        path: str | None = None,
    ) -> None:
        self._caller = caller
        self._route = route
        self._endpoint = endpoint
        self._body = body
        self._parsed = parsed
        self._headers = headers
        self._path = path
        self._call: AbstractAsyncContextManager[ProviderAnswer] | None = None
        self.deployment = route.deployments[0]
        """Who answers, once somebody does."""

    async def __aenter__(self) -> ProviderAnswer:
        return await first_success(self._route, self._attempt)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._call is not None:
            await self._call.__aexit__(kind, error, trace)

    async def _attempt(self, deployment: Deployment) -> ProviderAnswer:
        endpoint, body = self._endpoint, self._body
        if endpoint.dialect.traits.names_model:
            body = rewrite_model(body, self._parsed, deployment.model)
        stream = self._parsed.get("stream") is True
        path = self._path or endpoint.path_for(deployment.model, stream=stream)
        call = self._caller.forward(deployment.provider, endpoint.dialect.name, path, body, self._headers)
        answer = await call.__aenter__()
        self._call = call
        self.deployment = deployment
        return answer


async def first_success(route: Route, attempt: Callable[[Deployment], Awaitable[Answer]]) -> Answer:
    """What the first deployment gives that does not fail; raises the last failure when all of them do."""
    for deployment in route.deployments[:-1]:
        try:
            return await attempt(deployment)
        except UpstreamError as error:
            if not another_may_do_better(error):
                raise
            _log.warning("%s; the next deployment of %s is tried", error.message, route.model)
    return await attempt(route.deployments[-1])


def another_may_do_better(error: UpstreamError) -> bool:
    """False for what is wrong with the request itself, or with the operator's key."""
    if isinstance(error, UpstreamRefused):
        return error.answer.status == 429 or error.answer.status >= 500
    return error.retryable


async def _beginning(events: AsyncIterator[StreamEvent], deployment: Deployment) -> list[StreamEvent]:
    """The events up to the first that says anything: some providers open a stream before they fail."""
    begun: list[StreamEvent] = []
    async for event in events:
        begun.append(event)
        if not isinstance(event, ResponseStarted):
            return begun
    name = deployment.provider.name
    raise UpstreamProtocolError(f"the provider {name} answered nothing", provider=name)


async def _chained(beginning: list[StreamEvent], rest: AsyncIterator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
    for event in beginning:
        yield event
    async for event in rest:
        yield event
