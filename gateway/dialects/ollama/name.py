"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

from functools import partial

from gateway.dialects.own_values import fields_of, object_of

NAME = "ollama"

own_object = partial(object_of, NAME)
"""See `gateway.dialects.own_values.object_of`."""
own_fields = partial(fields_of, NAME)
"""See `gateway.dialects.own_values.fields_of`."""

THINKING = "thinking"
"""The field in which a model's thoughts stand."""
