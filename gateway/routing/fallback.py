"""Tries the deployments of a route in turn, until one begins to answer.

Above: the tool loop and the API. Below: `gateway.providers`. Refuses to know: wire formats, tools, clients.

Once a client has been given anything of an answer, there is no going back: a second model would contradict the
first. Until then the next deployment is tried after every failure that it might not share.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from gateway.conversation import ModelRequest, ModelResponse, StreamEvent
from gateway.dialects.openai_chat import rewrite_model
from gateway.errors import UpstreamError, UpstreamProtocolError, UpstreamRefused
from gateway.providers.caller import CHAT_PATHS, ProviderAnswer, ProviderCaller
from gateway.routing.targets import Deployment, Route

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class RoutedModel:
    """A route as a model to call: what the tool loop knows as a `ModelCaller`."""

    def __init__(self, caller: ProviderCaller, route: Route) -> None:
        self._caller = caller
        self._route = route

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One whole answer, of the first deployment that gives one. Raises UpstreamError: that of the last."""

        async def attempt(deployment: Deployment) -> ModelResponse:
            return await self._caller.complete(deployment.provider, request, deployment.model)

        return await first_success(self._route, attempt)

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """One answer as it comes, of the first deployment that begins one. Raises UpstreamError likewise."""
        async with AsyncExitStack() as stack:

            async def attempt(deployment: Deployment) -> AsyncGenerator[StreamEvent]:
                async with AsyncExitStack() as own:
                    call = self._caller.stream(deployment.provider, request, deployment.model)
                    events = await own.enter_async_context(call)
                    first = await _first(events, deployment)
                    stack.push_async_exit(own.pop_all())
                return _chained(first, events)

            events = await first_success(self._route, attempt)
            stack.push_async_callback(events.aclose)
            yield events


@asynccontextmanager
async def forward(
    caller: ProviderCaller, route: Route, body: bytes, parsed: Mapping[str, Any], headers: Mapping[str, str]
) -> AsyncGenerator[ProviderAnswer]:
    """Pass a request's bytes on, with only the model's name changed. See `Router.forward`."""
    async with AsyncExitStack() as stack:

        async def attempt(deployment: Deployment) -> ProviderAnswer:
            sent = rewrite_model(body, parsed, deployment.model)
            path = CHAT_PATHS[deployment.provider.dialect]
            return await stack.enter_async_context(caller.forward(deployment.provider, path, sent, headers))

        yield await first_success(route, attempt)


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


async def _first(events: AsyncIterator[StreamEvent], deployment: Deployment) -> StreamEvent:
    try:
        return await anext(events)
    except StopAsyncIteration:
        name = deployment.provider.name
        raise UpstreamProtocolError(f"the provider {name} answered nothing", provider=name) from None


async def _chained(first: StreamEvent, rest: AsyncIterator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
    yield first
    async for event in rest:
        yield event
