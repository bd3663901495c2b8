"""Prometheus metrics, in a registry of their own.

Labels are bounded by the config: routes, servers, states, and closed sets. Keys, models and the names of tools
are no labels; the audit trail has them. Names follow prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.conversation import Usage
from gateway.telemetry.series import CounterSeries, HistogramSeries

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
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
            ("server", "verdict", "outcome"),
        )
        self._call_seconds = HistogramSeries(
            "toolgate_tool_call_duration_seconds",
            "Tool calls from request to recorded outcome.",
            _SECONDS,
            ("server",),
        )
        self._tokens = CounterSeries("toolgate_tokens", "Tokens that providers reported.", ("kind",))
        self._cost = CounterSeries("toolgate_cost_usd", "US dollars that the tokens cost, where a price is known.")
        self._unpriced = CounterSeries(
            "toolgate_unpriced_runs", "Runs whose cost is not known, because a model's price is not."
        )
        self._rounds = HistogramSeries("toolgate_rounds", "Model calls in one run.", _ROUNDS)
        self._audit_failures = CounterSeries(
            "toolgate_audit_write_failures", "Audit records that could not be written."
        )
        self._registry = registry = CollectorRegistry()
        for series in (
            *(self._requests, self._request_seconds, self._calls, self._call_seconds),
            *(self._tokens, self._cost, self._unpriced, self._rounds, self._audit_failures),
        ):
            registry.register(series)
        self._servers = Gauge(
            "toolgate_tool_servers", "1 for the state that a server is in.", ("server", "state"), registry=registry
        )

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the pattern, never the path."""
        self._requests.add((route, str(status)))
        self._request_seconds.observe((route,), seconds)

    def run(self, rounds: int) -> None:
        """Count the model calls of a finished run."""
        self._rounds.observe((), rounds)

    def tool_call(self, server: str, verdict: str, outcome: str, seconds: float) -> None:
        """Count one tool call. `server` is empty where there is none."""
        self._calls.add((server, verdict, outcome))
        self._call_seconds.observe((server,), seconds)

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

    def audit_write_failed(self, records: int) -> None:
        """Count records that could not be written to one of the trail's places."""
        self._audit_failures.add((), records)

    def exposition(self, server_states: Mapping[str, str], states: Iterable[str]) -> bytes:
        """The text for Prometheus, with each server's state as it is now."""
        self._servers.clear()
        for state in states:
            for server, current in server_states.items():
                self._servers.labels(server, state).set(current == state)
        return generate_latest(self._registry)
