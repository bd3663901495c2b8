"""OpenAI's Chat Completions, and what its many imitators make of it.

Strict in what it writes, tolerant in what it reads from providers; of clients' requests it checks what the gateway
itself relies on, and leaves the rest to the provider's judgement.
"""

from gateway.dialects.openai_chat.dialect import OPENAI_CHAT, OpenAIChat
from gateway.dialects.openai_chat.usage_scanner import ChatUsageScanner, usage_of
from gateway.dialects.splice import rewrite_model

__all__ = ["OPENAI_CHAT", "ChatUsageScanner", "OpenAIChat", "rewrite_model", "usage_of"]
