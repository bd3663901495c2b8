"""What this dialect is called, and how its values are marked as its own.

An `UnknownPart` of this dialect holds one of: a whole `item`; the fields of a `message` that begins with it, which
are those besides its content; `annotations` on the text before; or parts of a message's `content`.
"""

from __future__ import annotations

from functools import partial

from gateway.dialects.own_values import fields_of, object_of

NAME = "openai_responses"

own_object = partial(object_of, NAME)
"""See `gateway.dialects.own_values.object_of`."""
own_fields = partial(fields_of, NAME)
"""See `gateway.dialects.own_values.fields_of`."""

SUMMARY = "reasoning_summary"
THOUGHT = "reasoning_text"
"""The two texts of a reasoning item, as names of `gateway.conversation.Reasoning`."""

SEPARATOR = "\n\n"
"""Stands between the texts of two messages of one answer, and of two parts of a summary. Dialects that know of one
text alone would run them together; in this one it is taken out again.
"""
