"""Counters and histograms that cost a tenth of a microsecond: plain numbers, until somebody asks for them.

Above: `metrics`, which names them. Below: prometheus_client, which writes them in its text format. Its own
counters take a lock for each number, which is much for a request that is passed through. These belong to one
thread, the event loop's.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class CounterSeries(Collector):
    """A sum for each combination of labels; without labels there is one from the start."""

    def __init__(self, name: str, documentation: str, labels: Labels = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._sums: dict[Labels, float] = {}
        self._created: dict[Labels, float] = {}
        if not labels:
            self.add((), 0)

    def add(self, labels: Labels, amount: float = 1) -> None:
        """Count. `labels` are values, in the order of the names."""
        try:
            self._sums[labels] += amount
        except KeyError:
            self._sums[labels] = amount
            self._created[labels] = time.time()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for labels, total in self._sums.items():
            family.add_metric(labels, total, created=self._created[labels])
        yield family


class HistogramSeries(Collector):
    """A distribution for each combination of labels; without labels there is one from the start.

    `bounds` are the upper ends of its buckets, ascending; there is one more, without end.
    """

    def __init__(self, name: str, documentation: str, bounds: Sequence[float], labels: Labels = ()) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._bounds = tuple(bounds)
        self._known: dict[Labels, _Distribution] = {}
        if not labels:
            self._begin(())

    def observe(self, labels: Labels, value: float) -> None:
        """Take one value. `labels` are values, in the order of the names."""
        distribution = self._known.get(labels) or self._begin(labels)
        distribution.counts[bisect_left(self._bounds, value)] += 1
        distribution.sum += value

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        ends = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for labels, found in self._known.items():
            family.add_metric(labels, list(zip(ends, accumulate(found.counts), strict=True)), found.sum)
            family.add_sample(f"{self._name}_created", dict(zip(self._labels, labels, strict=True)), found.created)
        yield family

    def _begin(self, labels: Labels) -> _Distribution:
        begun = self._known[labels] = _Distribution(len(self._bounds) + 1)
        return begun


class _Distribution:
    __slots__ = ("counts", "created", "sum")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.sum = 0.0
        self.created = time.time()
