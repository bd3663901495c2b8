"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

import hashlib
import secrets
from functools import partial

from gateway.dialects.own_values import fields_of, object_of

NAME = "gemini"

own_object = partial(object_of, NAME)
"""See `gateway.dialects.own_values.object_of`."""
own_fields = partial(fields_of, NAME)
"""See `gateway.dialects.own_values.fields_of`."""

THOUGHT = "thought"
"""The name of thoughts that are Gemini's."""

UNSIGNED = "skip_thought_signature_validator"
"""What stands for the proof of a call that Gemini did not make, as Google's documentation of thought signatures
has it: newer models refuse a history whose calls have none.
"""

_MINTED = "gemini-call-"


def new_call_id() -> str:
    """An id for a call that a model made without one."""
    return _MINTED + secrets.token_hex(12)


def call_id_at(place: str) -> str:
    """An id for a call without one in a client's history: the same for the same place."""
    return _MINTED + hashlib.sha256(place.encode()).hexdigest()[:24]


def is_minted(call_id: str) -> bool:
    """Whether an id was made here: Gemini, which gave none, is told none."""
    return call_id.startswith(_MINTED)
