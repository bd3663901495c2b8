"""One measurement: a load on a server, and what it cost that server's processes.

Above: `comparison` repeats it in turn for all servers. Below: `load` and `processes`.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from bench import wire
from bench.load import Answers, Load, LoadFailed, ask_once, run_load
from bench.processes import tree_usage
from bench.scenario import Scenario
from bench.servers import PATH

_WARM_UP_SECONDS = 1.0
_WARM_UP_COUNT = 400


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured. Without a pid it is the upstream itself, asked directly: latency and no cost."""

    name: str
    port: int
    key: str
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: CPU and latencies in microseconds, memory in bytes, `per_second` in units."""

    cpu: float
    p50: float
    p99: float
    per_second: float
    resident: int
    completed: int


async def take_sample(subject: Subject, scenario: Scenario) -> Sample:
    """Probe, warm up, then measure. Raises LoadFailed."""
    request = wire.request(PATH, scenario.model, key=subject.key, is_streamed=scenario.is_streamed)
    if wire.MARKER.encode() not in await ask_once(subject.port, request):
        raise LoadFailed("the answer is not the upstream's")
    load = Load(request, scenario.concurrency, scenario.count, scenario.seconds)
    warm_up = replace(load, count=min(_WARM_UP_COUNT, load.count), seconds=min(_WARM_UP_SECONDS, load.seconds))
    await run_load(subject.port, warm_up)
    before = _cpu(subject, scenario)
    answers = await run_load(subject.port, load)
    cpu = _cpu(subject, scenario) - before
    return sample(answers, cpu, _resident(subject, scenario))


def _cpu(subject: Subject, scenario: Scenario) -> float:
    if subject.pid is None:
        return 0.0
    return tree_usage(subject.pid, leaving_out=scenario.leaving_out).cpu_seconds


def _resident(subject: Subject, scenario: Scenario) -> int:
    if subject.pid is None:
        return 0
    return tree_usage(subject.pid, leaving_out=scenario.leaving_out).resident_bytes


def sample(answers: Answers, cpu_seconds: float, resident: int) -> Sample:
    """The figures of one load. Raises LoadFailed when nothing was answered."""
    latencies = sorted(answers.latencies)
    if not latencies:
        raise LoadFailed("not one answer in the time that there was")
    return Sample(
        cpu=cpu_seconds / len(latencies) * 1e6,
        p50=latencies[len(latencies) // 2],
        p99=latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)],
        per_second=len(latencies) / answers.seconds,
        resident=resident,
        completed=len(latencies),
    )


def median(samples: list[Sample]) -> Sample:
    """Each figure's own median."""
    return Sample(
        cpu=statistics.median(sample.cpu for sample in samples),
        p50=statistics.median(sample.p50 for sample in samples),
        p99=statistics.median(sample.p99 for sample in samples),
        per_second=statistics.median(sample.per_second for sample in samples),
        resident=int(statistics.median(sample.resident for sample in samples)),
        completed=sum(sample.completed for sample in samples),
    )
