"""Prometheus metrics, in a registry of their own.

Labels are bounded by the config: routes, servers, providers and their models as the file names them, states, and
closed sets. Keys, names that clients make up and the names of tools are no labels; the audit trail has them. Names
follow prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.conversation import Usage
from gateway.telemetry.series import CounterSeries, HistogramSeries

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_BREAKER_STATES = ("closed", "open", "half_open")
_ROUNDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


class Metrics:
    """All metrics of one gateway. Every method takes less than a microsecond and never waits."""

    def __init__(self) -> None:
        self._requests = CounterSeries("toolgate_requests", "HTTP requests answered.", ("route", "status"))
        self._request_seconds = HistogramSeries(
            "toolgate_request_duration_seconds",
            "From an HTTP request's head to the end of its answer.",
            _SECONDS,
            ("route",),
        )
        self._calls = CounterSeries(
            "toolgate_tool_calls",
            "Tool calls; server is empty for tools that do not exist for the key.",
            ("surface", "server", "verdict", "outcome"),
        )
        self._call_seconds = HistogramSeries(
            "toolgate_tool_call_duration_seconds",
            "Tool calls from request to recorded outcome.",
            _SECONDS,
            ("server",),
        )
        self._tokens = CounterSeries("toolgate_tokens", "Tokens that providers reported.", ("kind",))
        self._cost = CounterSeries("toolgate_cost_usd", "US dollars that the tokens cost, where a price is known.")
        self._unmetered = CounterSeries(
            "toolgate_unmetered_runs", "Runs whose tokens are not known, because a provider did not report them."
        )
        self._unpriced = CounterSeries(
            "toolgate_unpriced_runs", "Runs whose cost is not known, because a model's price is not."
        )
        self._rounds = HistogramSeries("toolgate_rounds", "Model calls in one run.", _ROUNDS)
        self._audit_failures = CounterSeries(
            "toolgate_audit_write_failures", "Audit records that could not be written."
        )
        self._attempts = CounterSeries(
            "toolgate_model_attempts",
            "Calls of models at providers; model is a pattern where the configuration has one.",
            ("provider", "model", "outcome"),
        )
        self._first_bytes = HistogramSeries(
            "toolgate_model_first_byte_seconds", "Until a provider began to answer.", _SECONDS, ("provider",)
        )
        self._retries = CounterSeries("toolgate_model_retries", "Calls made again after a failure.", ("provider",))
        self._fallbacks = CounterSeries(
            "toolgate_model_fallbacks", "Calls made elsewhere after a failure.", ("provider", "next_provider")
        )
        self._changes = CounterSeries(
            "toolgate_tool_changes",
            "Tools that have come to differ from what was locked or first seen, and what became of them.",
            ("server", "change", "action"),
        )
        self._registry = registry = CollectorRegistry()
        for series in (
            *(self._requests, self._request_seconds, self._calls, self._call_seconds),
            *(self._tokens, self._cost, self._unpriced, self._unmetered, self._rounds, self._audit_failures),
            self._changes,
            *(self._attempts, self._first_bytes, self._retries, self._fallbacks),
        ):
            registry.register(series)
        self._servers = Gauge(
            "toolgate_tool_servers", "1 for the state that a server is in.", ("server", "state"), registry=registry
        )
        self._breakers = Gauge(
            "toolgate_model_breakers",
            "1 for the state that the breaker of a deployment is in.",
            ("provider", "model", "state"),
            registry=registry,
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the pattern, never the path."""
        self._requests.add((route, str(status)))
        self._request_seconds.observe((route,), seconds)

    def run(self, rounds: int) -> None:
        """Count the model calls of a finished run."""
        self._rounds.observe((), rounds)

    def tool_call(self, surface: str, server: str, verdict: str, outcome: str, seconds: float) -> None:
        """Count one tool call. `surface` is where it came from; `server` is empty where there is none."""
        self._calls.add((surface, server, verdict, outcome))
        self._call_seconds.observe((server,), seconds)

    def tool_change(self, server: str, change: str, action: str) -> None:
        """Count a tool that is not as it was. See `gateway.hub.drift`."""
        self._changes.add((server, change, action))

    def tokens(self, usage: Usage) -> None:
        """Add up what providers reported for a run, and what it cost."""
        self._tokens.add(("input",), usage.input_tokens)
        self._tokens.add(("output",), usage.output_tokens)
        self._tokens.add(("cached_input",), usage.cached_input_tokens)
        self._tokens.add(("reasoning",), usage.reasoning_tokens)
        if usage.cost_usd is None:
            self._unpriced.add(())
        else:
            self._cost.add((), usage.cost_usd)

    def tokens_unknown(self) -> None:
        """Count a run that was answered, and whose tokens its provider did not report."""
        self._unmetered.add(())

    def model_attempt(self, provider: str, model: str, outcome: str) -> None:
        """Count a call of a model that has ended. `model` must come from the configuration, as patterns do."""
        self._attempts.add((provider, model, outcome))

    def model_began(self, provider: str, seconds: float) -> None:
        """Take the time until a provider began to answer."""
        self._first_bytes.observe((provider,), seconds)

    def model_retry(self, provider: str) -> None:
        """Count a call that is made again at the same place."""
        self._retries.add((provider,))

    def model_fallback(self, provider: str, next_provider: str) -> None:
        """Count a call that is made elsewhere, because one failed."""
        self._fallbacks.add((provider, next_provider))

    def audit_write_failed(self, records: int) -> None:
        """Count records that could not be written to one of the trail's places."""
        self._audit_failures.add((), records)

    def exposition(
        self,
        server_states: Mapping[str, str],
        states: Iterable[str],
        breaker_states: Mapping[tuple[str, str], str] | None = None,
    ) -> bytes:
        """The text for Prometheus, with the states as they are now: each server's, and each deployment's breaker's
        by provider and model.
        """
        self._breakers.clear()
        for (provider, model), current in (breaker_states or {}).items():
            for state in _BREAKER_STATES:
                self._breakers.labels(provider, model, state).set(current == state)
        self._servers.clear()
        for state in states:
            for server, current in server_states.items():
                self._servers.labels(server, state).set(current == state)
        return generate_latest(self._registry)
