"""Identifiers of requests and runs: sortable by time, unguessable, safe in headers, logs and file names."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""Two characters for ten bits: half the steps."""


def new_run_id() -> str:
    """An id for one run: 48 bits of time in milliseconds and 80 random ones (the ULID specification)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "run_" + "".join([_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10)])


def request_id_for(run_id: str) -> str:
    """The id of the request that began a run."""
    return f"req_{run_id[4:]}"
