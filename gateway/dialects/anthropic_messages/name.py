"""What this dialect is called, and how its values are marked as its own."""

from __future__ import annotations

from functools import partial

from gateway.dialects.own_values import fields_of, object_of

NAME = "anthropic_messages"

own_object = partial(object_of, NAME)
"""See `gateway.dialects.own_values.object_of`."""
own_fields = partial(fields_of, NAME)
"""See `gateway.dialects.own_values.fields_of`."""

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
