"""Finds a deployment that answers: one after the other, several keys, another time a little later, two at once.

Above: `fallback` says what an attempt is. Below: `choosing`, `faults` and the conditions of the deployments.
Refuses to know: HTTP, wire formats, requests.

    pass over the deployments ──all failed──> wait as long as they ask, with jitter ──> pass over those that may
    do better by now ... until one begins to answer, or attempts or time are used up: then the most telling failure
    is raised
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, Protocol, TypeVar

import anyio

from gateway.errors import InvalidRequest, UpstreamBusy, UpstreamError
from gateway.providers.provider import Provider
from gateway.routing.choosing import Moment, in_order, rest_of, rested_first
from gateway.routing.faults import BUSY, OPEN, Fault, forbids_retries, judge, wanted_delay
from gateway.routing.price_book import PriceBook
from gateway.routing.settings import RoutingSettings
from gateway.routing.targets import Deployment, Route
from gateway.routing.uses import Use
from gateway.telemetry import Metrics

_log = logging.getLogger(__name__)

_FIRST_DELAY = 0.5  # seconds; twice as many each time
_LONGEST_DELAY = 8.0
_DISCARDING = 5.0  # seconds to close an answer that nobody wants any more

Answer = TypeVar("Answer")


class Attempt(Protocol[Answer]):
    """One way to ask a deployment."""

    async def begin(self, deployment: Deployment, provider: Provider) -> Answer:
        """Ask, with the credentials of `provider`; gives an answer once it has begun. Raises UpstreamError, and
        InvalidRequest where the deployment cannot be told the request.
        """
        ...

    async def discard(self, answer: Answer) -> None:
        """Let go of an answer that another one was quicker than."""
        ...


@dataclass(slots=True)
class Calls:
    """What all calls of one configuration have in common. `clock` is in seconds, `chance` gives numbers from 0 up
    to 1. `tell_no_usage` are the deployments, by provider and label, that refuse to be asked for a stream's usage.
    """

    settings: RoutingSettings = field(default_factory=RoutingSettings)
    metrics: Metrics = field(default_factory=Metrics)
    prices: PriceBook = field(default_factory=PriceBook)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    chance: Callable[[], float] = random.random
    tell_no_usage: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def begin(
        self, route: Route, attempt: Attempt[Answer], *, is_stream: bool, first: Deployment | None = None
    ) -> Awaitable[Begun[Answer]]:
        """An answer that has begun. `first` goes before all others, unless it wants to be left alone.

        Raises UpstreamError: what the deployments' failures amount to. Raises InvalidRequest when none of them can
        be told the request.
        """
        order = self._order(route, is_stream, first)
        return _Pursuit(self, route, attempt, is_stream).run(order)

    def _order(self, route: Route, is_stream: bool, first: Deployment | None) -> Sequence[Deployment]:
        deployments = route.deployments
        if len(deployments) == 1:
            return deployments
        now = self.clock()
        if route.tiers:
            moment = Moment(
                now,
                self.chance,
                self.prices.of,
                self.settings.latency_percentile,
                is_stream,
                route.input_tokens,
            )
            deployments = [
                deployment
                for tier in route.tiers
                for deployment in in_order(tier.strategy, tier.deployments, moment)
            ]
        order = rested_first(deployments, now)
        if first is not None and first in order and not rest_of(first, now):
            order.remove(first)
            order.insert(0, first)
        return order


@dataclass(slots=True)  # not frozen: one is made for every request, at a third of the price
class Begun(Generic[Answer]):
    """An answer that has begun, and who gives it; `use` must be ended."""

    answer: Answer
    use: Use


@dataclass(frozen=True, slots=True)
class _Failure:
    deployment: Deployment
    error: UpstreamError
    fault: Fault

    @property
    def weight(self) -> int:
        """How much it tells a client: most what may be over by the next attempt."""
        if self.fault is BUSY or self.fault is OPEN:
            return 1
        return 2 if self.fault.again or self.fault.blames else 0


class _Pursuit(Generic[Answer]):
    """One answer that is wanted."""

    __slots__ = ("_attempt", "_calls", "_failures", "_final", "_is_stream", "_route", "_seen", "_unsayable")

    def __init__(self, calls: Calls, route: Route, attempt: Attempt[Answer], is_stream: bool) -> None:
        self._calls = calls
        self._route = route
        self._attempt = attempt
        self._is_stream = is_stream
        self._failures: list[_Failure] = []
        self._seen: dict[int, UpstreamError] = {}
        """By deployment, how it failed here: that tells a client more than that it is left alone now."""
        self._unsayable: InvalidRequest | None = None
        self._final: UpstreamError | None = None

    async def run(self, order: Sequence[Deployment]) -> Begun[Answer]:
        started = self._calls.clock()
        hedge_after = self._route.hedge_after
        for passes in count():
            self._failures = []
            if len(order) == 1:
                begun = await self._try(order[0])
            elif hedge_after is None:
                begun = await self._pass(iter(order))
            else:
                begun = await self._hedged_pass(order, hedge_after)
            if begun is not None:
                return begun
            if self._final is not None:
                raise self._final
            delay = self._delay(passes, self._calls.clock() - started)
            if delay is None:
                break
            order = self._worth_asking_again(delay)
            await self._calls.sleep(delay)
        raise self._outcome()

    async def _pass(self, deployments: Iterator[Deployment]) -> Begun[Answer] | None:
        """Ask one after the other."""
        for deployment in deployments:
            self._note_move(deployment)
            begun = await self._try(deployment)
            if begun is not None or self._final is not None:
                return begun
        return None

    async def _hedged_pass(self, order: Sequence[Deployment], after: float) -> Begun[Answer] | None:
        """The same; and when no answer has begun after a while, the next ones are asked beside those."""
        deployments = iter(order)
        found: list[Begun[Answer]] = []
        at_work = 0

        async def work(delay: float) -> None:
            nonlocal at_work
            await self._calls.sleep(delay)
            at_work += 1
            begun = await self._pass(deployments)
            at_work -= 1
            if begun is not None and found:
                await self._discard(begun)
            elif begun is not None:
                found.append(begun)
            if found or self._final is not None or not at_work:
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(work, 0.0)
            group.start_soon(work, after)
        return found[0] if found else None

    async def _discard(self, begun: Begun[Answer]) -> None:
        with anyio.move_on_after(_DISCARDING, shield=True):
            await self._attempt.discard(begun.answer)
        begun.use.abandoned()

    async def _try(self, deployment: Deployment) -> Begun[Answer] | None:
        """Ask one; a failure is noted."""
        may_be_asked = deployment.gate is None and deployment.condition.breaker.is_closed
        if not may_be_asked and not await self._may_be_asked(deployment):
            return None
        use = Use(deployment, self._calls.metrics, self._calls.clock, is_stream=self._is_stream)
        try:
            if deployment.provider.others:
                answer = await self._begin_with_some_key(use)
            else:
                answer = await self._attempt.begin(deployment, deployment.provider)
        except UpstreamError as error:
            self._note(deployment, error, use.failed(error))
            return None
        except InvalidRequest as error:
            use.abandoned()
            self._unsayable = self._unsayable or error
            return None
        except BaseException:
            use.abandoned()
            raise
        use.began()
        return Begun(answer, use)

    async def _begin_with_some_key(self, use: Use) -> Answer:
        """With its keys in turn, as long as it is the key that it does not like."""
        deployment = use.deployment
        provider = deployment.provider
        *keys, last = deployment.condition.keys(provider.key_count, self._calls.clock())
        for use.key in keys:
            try:
                return await self._attempt.begin(deployment, provider.with_key(use.key))
            except UpstreamError as error:
                fault = judge(error)
                if not fault.of_key:
                    raise
                use.next_key(error, fault)
                _log.warning("%s (%s); the next one of its keys is tried", error.message, fault.name)
        use.key = last
        return await self._attempt.begin(deployment, provider.with_key(last))

    async def _may_be_asked(self, deployment: Deployment) -> bool:
        """Whether its breaker and its provider's gate let us; the latter has let us in then."""
        breaker, now = deployment.condition.breaker, self._calls.clock()
        name = deployment.provider.name
        if not breaker.admits(now):
            message = f"the provider {name} has failed too often of late, and is left alone for a while"
            busy = UpstreamBusy(message, provider=name, retry_after=breaker.opens_in(now))
            self._note(deployment, self._seen.get(id(deployment), busy), OPEN)
            return False
        gate = deployment.gate
        if gate is None:
            return True
        is_in = False
        try:
            is_in = await gate.enter()
        finally:
            if not is_in:
                breaker.abandoned()
        if not is_in:
            message = f"the provider {name} has as many calls under way as it may have ({gate.limit})"
            self._note(deployment, UpstreamBusy(message, provider=name), BUSY)
        return is_in

    def _note(self, deployment: Deployment, error: UpstreamError, fault: Fault) -> None:
        self._failures.append(_Failure(deployment, error, fault))
        if not fault.elsewhere:
            self._final = error
        elif fault is BUSY or fault is OPEN:
            self._calls.metrics.model_attempt(deployment.provider.name, deployment.label, fault.name)
        else:
            self._seen[id(deployment)] = error

    def _note_move(self, deployment: Deployment) -> None:
        """Tell of it when a failure leads to another deployment."""
        if not self._failures:
            return
        failure = self._failures[-1]
        before, after = failure.deployment.provider.name, deployment.provider.name
        self._calls.metrics.model_fallback(before, after)
        _log.warning(
            "%s (%s); the next deployment of %s is tried, at %s",
            failure.error.message,
            failure.fault.name,
            self._route.model[:80],
            after,
        )

    def _delay(self, passes: int, elapsed: float) -> float | None:
        """Seconds until it is worth while to ask again; None when it is not, or there is no time left for it."""
        settings = self._calls.settings
        delays = [self._wish(failure) for failure in self._failures if _may_do_better(failure)]
        if not delays or passes >= settings.retries:
            return None
        # Full jitter: of many clients that failed at one time, no two come back at one time.
        jitter = self._calls.chance() * min(_LONGEST_DELAY, _FIRST_DELAY * 2**passes)
        delay = min(delays) + jitter
        return delay if elapsed + delay <= settings.retry_within else None

    def _wish(self, failure: _Failure) -> float:
        return wanted_delay(failure.error) or 0.0

    def _worth_asking_again(self, delay: float) -> list[Deployment]:
        again = [failure for failure in self._failures if _may_do_better(failure)]
        chosen = [failure for failure in again if self._wish(failure) <= delay]
        for failure in chosen:
            self._calls.metrics.model_retry(failure.deployment.provider.name)
            _log.warning("%s (%s); it is asked again in %.1f s", failure.error.message, failure.fault.name, delay)
        return [failure.deployment for failure in chosen]

    def _outcome(self) -> UpstreamError | InvalidRequest:
        """Of the last failures, the one that tells most; that of the last deployment, where they are alike."""
        if not self._failures:
            return self._unsayable or InvalidRequest("no deployment can be told this request")
        telling = max(reversed(self._failures), key=lambda failure: failure.weight)
        _log.warning(
            "%s (%s); there is nobody else to ask for %s",
            telling.error.message,
            telling.fault.name,
            self._route.model[:80],
        )
        return telling.error


def _may_do_better(failure: _Failure) -> bool:
    return failure.fault.again and not forbids_retries(failure.error)
