"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Source

NAME = "bedrock_converse"

UNPROVEN = "toolgate:unproven"
"""The signature of thoughts that no model behind this dialect can check: another dialect's, or such as stand
behind tool calls that the client does not know of. A client sends them back; they go no further than to this
gateway.
"""

REASONING = "reasoningContent"
REDACTED = "redactedContent"


def own_object(source: Source | None) -> Mapping[str, Any]:
    """The wire object that a value was read from; empty when it was read from another dialect, or from none."""
    return source.raw if source is not None and source.dialect == NAME else {}


def own_fields(dialect: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unknown fields of an event, where they are ours to write; see `gateway.conversation.events`."""
    return fields if dialect in ("", NAME) else {}
