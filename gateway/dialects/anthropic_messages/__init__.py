"""Anthropic's Messages.

Blocks of content stand in one order, which matters: thoughts carry a proof that holds in their place alone. What
is read from this format and written in it again is the same JSON, thoughts byte for byte.
"""

from gateway.dialects.anthropic_messages.dialect import (
    ANTHROPIC_BEDROCK,
    ANTHROPIC_MESSAGES,
    ANTHROPIC_VERTEX,
    AnthropicMessages,
)

__all__ = ["ANTHROPIC_BEDROCK", "ANTHROPIC_MESSAGES", "ANTHROPIC_VERTEX", "AnthropicMessages"]
