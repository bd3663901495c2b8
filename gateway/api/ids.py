"""Identifiers of requests and runs: sortable by time, unguessable, safe in headers, logs and file names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_DRAWN_AT_ONCE = 256  # random numbers for each system call

_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Two characters for ten bits: half the steps."""


def new_run_id() -> str:
    """An id for one run: 48 bits of time in milliseconds and 80 random ones (the ULID specification)."""
    value = (time.time_ns() // 1_000_000) << 80 | next(_RANDOM)
    return "run_" + "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def _random_numbers() -> Iterator[int]:
    """Of 80 bits each, none of them twice."""
    while True:
        drawn = os.urandom(10 * _DRAWN_AT_ONCE)
        for start in range(0, len(drawn), 10):
            yield int.from_bytes(drawn[start : start + 10])


_RANDOM = _random_numbers()


def request_id_for(run_id: str) -> str:
    """The id of the request that began a run."""
    return f"req_{run_id[4:]}"
