"""The scenarios, in the order in which they run."""

from __future__ import annotations

from bench.scenario import Scenario
from bench.scenarios import pass_through, streaming, tool_loop

SCENARIOS: tuple[Scenario, ...] = (*pass_through.SCENARIOS, *streaming.SCENARIOS, *tool_loop.SCENARIOS)
