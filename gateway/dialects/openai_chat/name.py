"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

from functools import partial

from gateway.conversation import Source
from gateway.dialects.own_values import fields_of, object_of

NAME = "openai_chat"

own_object = partial(object_of, NAME)
"""See `gateway.dialects.own_values.object_of`."""
own_fields = partial(fields_of, NAME)
"""See `gateway.dialects.own_values.fields_of`."""


def is_own(source: Source | None) -> bool:
    """Whether a value was read from this dialect."""
    return source is not None and source.dialect == NAME
