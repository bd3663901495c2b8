"""A deployment that is being used, and what is learnt from it.

Above: `calling` begins a use, whoever reads the answer ends it. Below: the deployment's condition, its provider's
gate, metrics. Refuses to know: who is asked next.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import UpstreamError
from gateway.routing.faults import SHORT_REST, Fault, judge, rest_for
from gateway.routing.targets import Deployment
from gateway.telemetry import Metrics


class Use:
    """A deployment that is being used. Ends once, with a word on how it went or without."""

    __slots__ = ("_clock", "_is_over", "_is_stream", "_metrics", "_started", "deployment", "has_begun", "key")

    def __init__(
        self, deployment: Deployment, metrics: Metrics, clock: Callable[[], float], *, is_stream: bool
    ) -> None:
        self.deployment = deployment
        self.key = 0
        self.has_begun = False
        self._metrics = metrics
        self._clock = clock
        self._is_stream = is_stream
        self._is_over = False
        self._started = clock()
        deployment.condition.active += 1

    def began(self) -> None:
        """The answer has begun."""
        self.has_begun = True
        now = self._clock()
        seconds = now - self._started
        condition = self.deployment.condition
        if not condition.breaker.is_closed:
            condition.breaker.succeeded()  # a probe needs no more than that, as an answer may take minutes
        (condition.streamed if self._is_stream else condition.whole).add(now, seconds)
        self._metrics.model_began(self.deployment.provider.name, seconds)

    def succeeded(self) -> None:
        """The answer came to its end."""
        if not self._is_over:
            self.deployment.condition.breaker.succeeded()
            self._end("ok")

    def failed(self, error: UpstreamError) -> Fault:
        """It failed; what that means."""
        fault = judge(error)
        if self._is_over:
            return fault
        now = self._clock()
        condition = self.deployment.condition
        rest = SHORT_REST if self.has_begun else rest_for(error, fault)
        if rest:
            condition.rest(self.key, now + rest)
        if fault.blames:
            condition.breaker.failed(now)
        elif fault.again or fault.of_key:
            condition.breaker.abandoned()
        else:
            condition.breaker.succeeded()
        self._end("broke_off" if self.has_begun else fault.name)
        return fault

    def next_key(self, error: UpstreamError, fault: Fault) -> None:
        """One of its keys failed; another one takes its place."""
        self.deployment.condition.rest(self.key, self._clock() + rest_for(error, fault))
        self._metrics.model_attempt(self.deployment.provider.name, self.deployment.label, fault.name)

    def abandoned(self) -> None:
        """Nobody wants to know any more; of no effect on one that has ended."""
        if not self._is_over:
            self.deployment.condition.breaker.abandoned()
            self._end("cancelled")

    def _end(self, outcome: str) -> None:
        deployment = self.deployment
        self._is_over = True
        deployment.condition.active -= 1
        if deployment.gate is not None:
            deployment.gate.leave()
        self._metrics.model_attempt(deployment.provider.name, deployment.label, outcome)
