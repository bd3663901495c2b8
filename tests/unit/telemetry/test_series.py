"""Our own counters beside the library's: they must tell the same."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from gateway.telemetry.series import CounterSeries, HistogramSeries

BOUNDS = (0.5, 1, 2.5)
VALUES = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 5) | st.sampled_from(BOUNDS)), max_size=20)


def text(registry: CollectorRegistry) -> str:
    return re.sub(r"(_created\S*) \S+", r"\1", generate_latest(registry).decode())


@given(VALUES)
def test_what_is_counted_is_told_as_the_library_tells_it(values: list[tuple[str, float]]):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts, seconds = CounterSeries("c", "Counts.", ("who",)), HistogramSeries("h", "Takes.", BOUNDS, ("who",))
    bare = HistogramSeries("b", "Bare.", BOUNDS)
    for series in (counts, seconds, bare):
        ours.register(series)
    counter = Counter("c", "Counts.", ("who",), registry=theirs)
    histogram = Histogram("h", "Takes.", ("who",), buckets=BOUNDS, registry=theirs)
    bare_one = Histogram("b", "Bare.", buckets=BOUNDS, registry=theirs)
    for who, value in values:
        counts.add((who,), value)
        counter.labels(who).inc(value)
        seconds.observe((who,), value)
        histogram.labels(who).observe(value)
        bare.observe((), value)
        bare_one.observe(value)
    assert text(ours) == text(theirs)
