"""The comparison: all servers side by side over one upstream, each scenario several times in changing order.

Above: the command line. Below: `servers` starts them, `measuring` takes the samples. Refuses to know: how it is
shown. What cannot be had or fails is part of the result, with its reason, and is never left out in silence.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import LoadFailed
from bench.measuring import Sample, Subject, median, take_sample
from bench.peers.toolgate import PEER as TOOLGATE
from bench.processes import tree_usage
from bench.scenario import Scenario
from bench.servers import Peer, PeerMissing, StartFailed, running, running_upstream

DIRECT = "direct"
Tell = Callable[[str], None]


@dataclass(slots=True)
class ScenarioResult:
    """The medians by server, in the order of the servers; and why a server has none."""

    scenario: Scenario
    samples: dict[str, Sample] = field(default_factory=dict[str, Sample])
    failures: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Idle:
    """A server that has just started: seconds to its first answer, resident bytes after it."""

    started_in: float
    resident: int


@dataclass(slots=True)
class Comparison:
    """All that was found out."""

    idle: dict[str, Idle] = field(default_factory=dict[str, Idle])
    results: list[ScenarioResult] = field(default_factory=list[ScenarioResult])
    missing: dict[str, str] = field(default_factory=dict[str, str])


async def compare(
    peers: Sequence[Peer], scenarios: Sequence[Scenario], *, repetitions: int, folder: Path, tell: Tell
) -> Comparison:
    """Measure; nothing of what is started is left running."""
    comparison = Comparison()
    async with running_upstream(folder) as upstream:
        direct = Subject(DIRECT, upstream, "none")
        plain = [scenario for scenario in scenarios if not scenario.uses_tools]
        with_tools = [scenario for scenario in scenarios if scenario.uses_tools]
        async with _all_running(peers, folder, upstream, comparison, tell) as subjects:
            for scenario in plain:
                tell(f"{scenario.name}: {scenario.title}")
                comparison.results.append(await _repeat(scenario, [direct, *subjects], repetitions))
        if with_tools and TOOLGATE in peers:
            comparison.results += await _tool_loops(with_tools, repetitions, folder, upstream, tell)
    return comparison


@asynccontextmanager
async def _all_running(
    peers: Sequence[Peer], folder: Path, upstream: int, comparison: Comparison, tell: Tell
) -> AsyncGenerator[list[Subject]]:
    subjects: list[Subject] = []
    async with AsyncExitStack() as stack:
        for peer in peers:
            tell(f"starting {peer.name}")
            try:
                server = await stack.enter_async_context(running(peer, folder, upstream))
            except (PeerMissing, StartFailed) as error:
                comparison.missing[peer.name] = str(error)
                tell(f"LEFT OUT {peer.name}: {error}")
                continue
            comparison.idle[peer.name] = Idle(server.started_in, tree_usage(server.pid).resident_bytes)
            subjects.append(Subject(peer.name, server.port, peer.key, server.pid))
        yield subjects


async def _tool_loops(
    scenarios: Sequence[Scenario], repetitions: int, folder: Path, upstream: int, tell: Tell
) -> list[ScenarioResult]:
    results: list[ScenarioResult] = []
    try:
        async with running(TOOLGATE, folder / "with-tools", upstream, with_tools=True) as server:
            subject = Subject(TOOLGATE.name, server.port, TOOLGATE.tool_key, server.pid)
            for scenario in scenarios:
                tell(f"{scenario.name}: {scenario.title}")
                results.append(await _repeat(scenario, [subject], repetitions))
    except StartFailed as error:
        tell(f"LEFT OUT the tool loop: {error}")
        results += [ScenarioResult(scenario, failures={TOOLGATE.name: str(error)}) for scenario in scenarios]
    return results


async def _repeat(scenario: Scenario, subjects: Sequence[Subject], repetitions: int) -> ScenarioResult:
    """Every server in turn, there and back again, so that a change of the machine's mood meets all alike."""
    taken: dict[str, list[Sample]] = {subject.name: [] for subject in subjects}
    result = ScenarioResult(scenario)
    for repetition in range(repetitions):
        for subject in subjects if repetition % 2 == 0 else reversed(subjects):
            if subject.name in result.failures:
                continue
            try:
                taken[subject.name].append(await take_sample(subject, scenario))
            except LoadFailed as error:
                result.failures[subject.name] = str(error)
    measured = {name: samples for name, samples in taken.items() if name not in result.failures}
    result.samples = {name: median(samples) for name, samples in measured.items()}
    return result
