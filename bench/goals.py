"""What toolgate promises of its own cost, as ratios within one run and as plain bounds.

A goal is reported, never asserted: whether a busy machine meets it is for people to judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.comparison import Comparison

TOOLGATE = "toolgate"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that should be at most `bound`; `measure` finds it, or None where it was not measured."""

    title: str
    unit: str
    bound: float
    measure: Callable[[Comparison], float | None]

    def verdict(self, comparison: Comparison) -> tuple[float | None, bool | None]:
        """The figure, and whether it is within the bound."""
        figure = self.measure(comparison)
        return figure, None if figure is None else figure <= self.bound


def _cpu(comparison: Comparison, scenario: str, server: str) -> float | None:
    for result in comparison.results:
        if result.scenario.name == scenario and server in result.samples:
            return result.samples[server].cpu
    return None


def _ratio(scenario: str, peer: str) -> Callable[[Comparison], float | None]:
    def measure(comparison: Comparison) -> float | None:
        ours, theirs = _cpu(comparison, scenario, TOOLGATE), _cpu(comparison, scenario, peer)
        return ours / theirs if ours and theirs else None

    return measure


def _memory(comparison: Comparison) -> float | None:
    idle = comparison.idle.get(TOOLGATE)
    return idle.resident / 1e6 if idle else None


def _start(comparison: Comparison) -> float | None:
    idle = comparison.idle.get(TOOLGATE)
    return idle.started_in if idle else None


GOALS = (
    Goal("pass-through at c=32, CPU beside nginx's", "x", 4.0, _ratio("pass-c32", "nginx")),
    Goal("pass-through at c=32, CPU beside LiteLLM's", "x", 1 / 80, _ratio("pass-c32", "litellm")),
    Goal("streamed at c=64, CPU beside nginx's", "x", 1.6, _ratio("stream-c64", "nginx")),
    Goal("streamed at c=64, CPU beside LiteLLM's", "x", 1 / 10, _ratio("stream-c64", "litellm")),
    Goal(
        "two rounds and a tool at c=1, CPU",
        "µs",
        1000.0,
        lambda comparison: _cpu(comparison, "tools-c1", TOOLGATE),
    ),
    Goal("memory when idle", "MB", 90.0, _memory),
    Goal("start to first answer", "s", 1.0, _start),
)
