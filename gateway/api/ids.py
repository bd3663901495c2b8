"""Identifiers of requests and runs: sortable by time, unguessable, safe in headers, logs and file names."""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def new_request_id() -> str:
    """An id for one HTTP request."""
    return f"req_{_ulid()}"


def new_run_id() -> str:
    """An id for one run."""
    return f"run_{_ulid()}"


def _ulid() -> str:
    """48 bits of time in milliseconds and 80 random bits as 26 characters (the ULID specification)."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
