"""A route as something to call: conversations in any dialect, or bytes as they are.

Above: the tool loop and the API. Below: `calling` finds the deployment, `gateway.providers` talks to it. Refuses
to know: wire formats, tools, clients.

Once a client has been given anything of an answer, there is no going back: a second model would contradict the
first. Until then the next deployment is tried after every failure that it might not share.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, ResponseStarted, StreamEvent, UsageReported
from gateway.dialects.splice import rewrite_model
from gateway.dialects.traits import UsageAsking
from gateway.errors import UpstreamError, UpstreamProtocolError, UpstreamRefused
from gateway.providers.answers import ProviderAnswer
from gateway.providers.caller import ProviderCaller
from gateway.providers.endpoints import Endpoint
from gateway.providers.provider import Provider
from gateway.routing.calling import Begun, Calls
from gateway.routing.targets import Deployment, Route
from gateway.routing.uses import Use

_log = logging.getLogger(__name__)


class RoutedModel:
    """A route as a model to call: what the tool loop knows as a `ModelCaller`. Made for one run.

    The deployment that answered last is asked first the next time: it has the conversation in its cache, and the
    proofs of what was thought hold there alone.
    """

    def __init__(self, caller: ProviderCaller, route: Route, calls: Calls) -> None:
        self._caller = caller
        self._route = route
        self._calls = calls
        self._current: Deployment | None = None
        self._new_beginnings = calls.settings.retries + len(route.deployments) - 1
        """How often an answer that broke off may still be begun anew."""

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One whole answer, of the first deployment that gives one. Raises UpstreamError, InvalidRequest."""
        attempt = _Completing(self._caller, request)
        begun = await self._calls.begin(self._route, attempt, is_stream=False, first=self._current)
        begun.use.succeeded()
        self._current = deployment = begun.use.deployment
        answer = begun.answer
        if answer.usage is None:
            return answer
        usage = self._calls.prices.priced(answer.usage, deployment)
        return answer if usage is answer.usage else replace(answer, usage=usage)

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncGenerator[AsyncIterator[StreamEvent]]:
        """One answer as it comes, of the first deployment that begins one. Raises UpstreamError likewise."""
        attempt = _Streaming(self._caller, request)
        begun = await self._calls.begin(self._route, attempt, is_stream=True, first=self._current)
        self._current = begun.use.deployment
        try:
            async with begun.answer.opened:
                events = self._events(begun)
                try:
                    yield events
                finally:
                    await events.aclose()
        finally:
            begun.use.abandoned()  # unless it has come to its end

    async def _events(self, begun: Begun[_Opened]) -> AsyncGenerator[StreamEvent]:
        """What the deployment says, with the cost beside the usage."""
        use = begun.use
        for event in begun.answer.beginning:
            yield self._priced(event, use)
        try:
            async for event in begun.answer.rest:
                yield self._priced(event, use)
        except UpstreamError as error:
            fault = use.failed(error)
            self._new_beginnings -= 1
            error.may_begin_anew = fault.elsewhere and self._new_beginnings >= 0
            raise
        use.succeeded()

    def _priced(self, event: StreamEvent, use: Use) -> StreamEvent:
        if not isinstance(event, UsageReported):
            return event
        return replace(event, usage=self._calls.prices.priced(event.usage, use.deployment))


@dataclass(frozen=True, slots=True)
class _Completing:
    """Asks for whole answers."""

    caller: ProviderCaller
    request: ModelRequest

    async def begin(self, deployment: Deployment, provider: Provider) -> ModelResponse:
        return await self.caller.complete(provider, self.request, deployment.model)

    async def discard(self, answer: ModelResponse) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream that has begun to say something; `opened` closes it."""

    beginning: list[StreamEvent]
    rest: AsyncIterator[StreamEvent]
    opened: AsyncExitStack


@dataclass(frozen=True, slots=True)
class _Streaming:
    """Asks for streams."""

    caller: ProviderCaller
    request: ModelRequest

    async def begin(self, deployment: Deployment, provider: Provider) -> _Opened:
        async with AsyncExitStack() as stack:
            call = self.caller.stream(provider, self.request, deployment.model)
            events = await stack.enter_async_context(call)
            beginning = await _beginning(events, provider.name)
            return _Opened(beginning, events, stack.pop_all())

    async def discard(self, answer: _Opened) -> None:
        await answer.opened.aclose()


async def _beginning(events: AsyncIterator[StreamEvent], provider: str) -> list[StreamEvent]:
    """The events up to the first that says anything: some providers open a stream before they fail."""
    begun: list[StreamEvent] = []
    async for event in events:
        begun.append(event)
        if not isinstance(event, ResponseStarted):
            return begun
    raise UpstreamProtocolError(f"the provider {provider} answered nothing", provider=provider)


@dataclass(frozen=True, slots=True)
class Form:
    """A request that is no conversation: its body for each model's name, and of which content type that is. The
    answer may be anything.
    """

    content_type: str
    write: Callable[[str], bytes]


class Forwarding:
    """Passes a request's bytes on, with only the model's name changed and the wish for a stream's usage added. See
    `Router.forward`.

    `endpoint` is that of the bytes' dialect; with `counts` its tokens are to be counted. `path` is another
    one than where it calls models.
    """

    __slots__ = (
        "_begun",
        "_body",
        "_caller",
        "_calls",
        "_counts",
        "_endpoint",
        "_headers",
        "_is_stream",
        "_parsed",
        "_path",
        "_route",
    )

    def __init__(
        self,
        caller: ProviderCaller,
        route: Route,
        calls: Calls,
        endpoint: Endpoint,
        body: bytes | Form,
        parsed: Mapping[str, Any],
        headers: Mapping[str, str],
        *,
        counts: bool = False,
        path: str | None = None,
    ) -> None:
        self._caller = caller
        self._route = route
        self._calls = calls
        self._endpoint = endpoint
        self._body = body
        self._parsed = parsed
        self._headers = headers
        self._counts = counts
        self._path = path
        self._is_stream = parsed.get("stream") is True
        self._begun: Begun[_Forwarded] | None = None

    @property
    def deployment(self) -> Deployment:
        """Who answers, once somebody does."""
        return self._route.deployments[0] if self._begun is None else self._begun.use.deployment

    @property
    def usage_asking(self) -> UsageAsking | None:
        """What is to take the usage out of the answer, if it was asked for without the client's wish."""
        return None if self._begun is None else self._begun.answer.usage_asking

    def _usage_asking(self, deployment: Deployment) -> UsageAsking | None:
        if not self._is_stream or self._counts or self._path is not None:
            return None
        asking = self._endpoint.dialect.traits.usage_asking
        if asking is None or not asking.is_due(self._parsed, deployment.provider.quirks):
            return None
        return None if _named(deployment) in self._calls.tell_no_usage else asking

    async def __aenter__(self) -> ProviderAnswer:
        self._begun = await self._calls.begin(self._route, self, is_stream=self._is_stream)
        return self._begun.answer.answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun is None:
            return
        use = self._begun.use
        if error is None:
            use.succeeded()
        elif isinstance(error, UpstreamError):
            use.failed(error)
        else:
            use.abandoned()
        await self._begun.answer.exchange.__aexit__(kind, error, trace)

    async def begin(self, deployment: Deployment, provider: Provider) -> _Forwarded:
        """See `gateway.routing.calling.Attempt`. A wish of ours must not cost the client its answer."""
        asking = self._usage_asking(deployment)
        try:
            return await self._begin(deployment, provider, asking)
        except UpstreamRefused as refused:
            if asking is None or not asking.is_refused(refused.answer.status, refused.answer.body):
                raise
        begun = await self._begin(deployment, provider, None)
        self._calls.tell_no_usage.add(_named(deployment))
        _log.warning(
            "the provider %s refuses to be asked for the usage of streams of %s: their tokens are not known; "
            "with no_stream_options among its quirks it is never asked",
            *_named(deployment),
        )
        return begun

    async def _begin(self, deployment: Deployment, provider: Provider, asking: UsageAsking | None) -> _Forwarded:
        endpoint, body, kind = self._endpoint, self._body, None
        if isinstance(body, Form):
            body, kind = body.write(deployment.model), body.content_type
        elif endpoint.dialect.traits.names_model:
            parsed = self._parsed
            if asking is not None:
                body, parsed = asking.ask(body, parsed)
            body = rewrite_model(body, parsed, deployment.model)
        path = endpoint.count_path_for(deployment.model) if self._counts else self._path
        path = path or endpoint.path_for(deployment.model, stream=self._is_stream)
        call = self._caller.forward(provider, endpoint.dialect.name, path, body, self._headers, kind)
        answer = await call.__aenter__()
        try:
            begin = answer.begin if kind is None else answer.begin_any
            await begin(endpoint.dialect)
        except BaseException as error:
            await call.__aexit__(type(error), error, error.__traceback__)
            raise
        return _Forwarded(answer, call, asking)

    async def discard(self, answer: _Forwarded) -> None:
        """See `gateway.routing.calling.Attempt`."""
        await answer.exchange.__aexit__(None, None, None)


@dataclass(slots=True)  # not frozen: one is made for every request, at a third of the price
class _Forwarded:
    answer: ProviderAnswer
    exchange: AbstractAsyncContextManager[ProviderAnswer]
    usage_asking: UsageAsking | None


def _named(deployment: Deployment) -> tuple[str, str]:
    return deployment.provider.name, deployment.label
