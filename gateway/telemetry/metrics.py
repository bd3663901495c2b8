"""Prometheus metrics, in a registry of their own.

Labels are bounded by the config: routes, servers, states, and closed sets. Keys, models and the names of tools
are no labels; the audit trail has them. Names follow prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.conversation import Usage

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_ROUNDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)

Child = TypeVar("Child")


class Metrics:
    """All metrics of one gateway. Every method takes about a microsecond and never waits."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        requests = Counter("toolgate_requests", "HTTP requests answered.", ("route", "status"), registry=registry)
        request_seconds = Histogram(
            "toolgate_request_duration_seconds",
            "From an HTTP request's head to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        calls = Counter(
            "toolgate_tool_calls",
            "Tool calls; server is empty for tools that do not exist for the key.",
            ("server", "verdict", "outcome"),
            registry=registry,
        )
        call_seconds = Histogram(
            "toolgate_tool_call_duration_seconds",
            "Tool calls from request to recorded outcome.",
            ("server",),
            buckets=_SECONDS,
            registry=registry,
        )
        tokens = Counter("toolgate_tokens", "Tokens that providers reported.", ("kind",), registry=registry)
        self._rounds = Histogram("toolgate_rounds", "Model calls in one run.", buckets=_ROUNDS, registry=registry)
        self._audit_failures = Counter(
            "toolgate_audit_write_failures", "Audit records that could not be written.", registry=registry
        )
        self._servers = Gauge(
            "toolgate_tool_servers", "1 for the state that a server is in.", ("server", "state"), registry=registry
        )
        self._requests = _Children(requests.labels)
        self._request_seconds = _Children(request_seconds.labels)
        self._calls = _Children(calls.labels)
        self._call_seconds = _Children(call_seconds.labels)
        self._tokens = _Children(tokens.labels)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is the pattern, never the path."""
        self._requests.of(route, str(status)).inc()
        self._request_seconds.of(route).observe(seconds)

    def run(self, rounds: int) -> None:
        """Count the model calls of a finished run."""
        self._rounds.observe(rounds)

    def tool_call(self, server: str, verdict: str, outcome: str, seconds: float) -> None:
        """Count one tool call. `server` is empty where there is none."""
        self._calls.of(server, verdict, outcome).inc()
        self._call_seconds.of(server).observe(seconds)

    def tokens(self, usage: Usage) -> None:
        """Add up what a provider reported for a run."""
        self._tokens.of("input").inc(usage.input_tokens)
        self._tokens.of("output").inc(usage.output_tokens)
        self._tokens.of("cached_input").inc(usage.cached_input_tokens)
        self._tokens.of("reasoning").inc(usage.reasoning_tokens)

    def audit_write_failed(self, records: int) -> None:
        """Count records that could not be written to one of the trail's places."""
        self._audit_failures.inc(records)

    def exposition(self, server_states: Mapping[str, str], states: Iterable[str]) -> bytes:
        """The text for Prometheus, with each server's state as it is now."""
        self._servers.clear()
        for state in states:
            for server, current in server_states.items():
                self._servers.labels(server, state).set(current == state)
        return generate_latest(self._registry)


class _Children(Generic[Child]):
    """The labelled children that were used so far: the library's own look-up costs more than the counting."""

    def __init__(self, labels: Callable[..., Child]) -> None:
        self._labels = labels
        self._known: dict[tuple[str, ...], Child] = {}

    def of(self, *labels: str) -> Child:
        child = self._known.get(labels)
        if child is None:
            child = self._known[labels] = self._labels(*labels)
        return child
