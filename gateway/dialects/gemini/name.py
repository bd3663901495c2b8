"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from gateway.conversation import Source

NAME = "gemini"

THOUGHT = "thought"
"""The name of thoughts that are Gemini's."""

UNSIGNED = "skip_thought_signature_validator"
"""What stands for the proof of a call that Gemini did not make, as Google's documentation of thought signatures
has it: newer models refuse a history whose calls have none.
"""

_MINTED = "gemini-call-"


def own_object(source: Source | None) -> Mapping[str, Any]:
    """The wire object that a value was read from; empty when it was read from another dialect, or from none."""
    return source.raw if source is not None and source.dialect == NAME else {}


def own_fields(dialect: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unknown fields of an event, where they are ours to write; see `gateway.conversation.events`."""
    return fields if dialect in ("", NAME) else {}


def new_call_id() -> str:
    """An id for a call that a model made without one."""
    return _MINTED + secrets.token_hex(12)


def call_id_at(place: str) -> str:
    """An id for a call without one in a client's history: the same for the same place."""
    return _MINTED + hashlib.sha256(place.encode()).hexdigest()[:24]


def is_minted(call_id: str) -> bool:
    """Whether an id was made here: Gemini, which gave none, is told none."""
    return call_id.startswith(_MINTED)
