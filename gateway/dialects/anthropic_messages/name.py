"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import Source

NAME = "anthropic_messages"

UNPROVEN = "toolgate:unproven"
"""The signature of thoughts that no Anthropic model can check: another provider's, or such as stand behind tool
calls that the client does not know of. A client sends them back; they go no further than to this gateway.
"""

SERVED = "mcptoolu_toolgate_"
"""With this begin the ids of calls that this gateway ran for a client, in place of Anthropic; then the model's own
id follows. A client sends such calls back with their results; no provider knows them.
"""

THINKING = "thinking"
REDACTED = "redacted_thinking"


def own_object(source: Source | None) -> Mapping[str, Any]:
    """The wire object that a value was read from; empty when it was read from another dialect, or from none."""
    return source.raw if source is not None and source.dialect == NAME else {}


def own_fields(dialect: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The unknown fields of an event, where they are ours to write; see `gateway.conversation.events`."""
    return fields if dialect in ("", NAME) else {}
