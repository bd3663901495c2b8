"""What this dialect is called, and how its values are marked as its own.

An `UnknownPart` of this dialect holds one of: a whole `item`; the fields of a `message` that begins with it, which
are those besides its content; `annotations` on the text before; or parts of a message's `content`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Source

NAME = "openai_responses"

SUMMARY = "reasoning_summary"
THOUGHT = "reasoning_text"
"""The two texts of a reasoning item, as names of `gateway.conversation.Reasoning`."""

SEPARATOR = "\n\n"
"""Stands between the texts of two messages of one answer, and of two parts of a summary. Dialects that know of one
text alone would run them together; in this one it is taken out again.
"""


def own_object(source: Source | None) -> Mapping[str, Any]:
    """The wire object that a value was read from; empty when it was read from another dialect, or from none."""
    return source.raw if source is not None and source.dialect == NAME else {}


def own_fields(dialect: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unknown fields of an event, where they are ours to write; see `gateway.conversation.events`."""
    return fields if dialect in ("", NAME) else {}
