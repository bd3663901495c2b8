"""What a dialect reads back of its own: the wire objects and the fields that it left untouched.

Each dialect binds these to its name; what was read from another one, it cannot write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Source


def object_of(dialect: str, source: Source | None) -> Mapping[str, Any]:
    """The wire object that a value was read from; empty when it was read from another dialect, or from none."""
    return source.raw if source is not None and source.dialect == dialect else {}


def fields_of(dialect: str, told: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unknown fields of an event of the dialect `told`, where they are this one's to write; see
    `gateway.conversation.events`.
    """
    return fields if told in ("", dialect) else {}
