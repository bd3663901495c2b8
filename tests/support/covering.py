"""What a test proves: which client, against which provider, has which feature. `docs/clients.md` is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pytest

Names: TypeAlias = "str | tuple[str, ...] | Mapping[str, str]"
"""A name, several, or one for each value of one of the test's parameters."""

CHAT_SDK = "OpenAI SDK, Chat Completions"
RESPONSES_SDK = "OpenAI SDK, Responses"
ANTHROPIC_SDK = "Anthropic SDK"
GOOGLE_SDK = "Google SDK"
BOTO3 = "boto3"
COHERE_SDK = "Cohere SDK"
OLLAMA_SDK = "Ollama SDK"
OPENAI_AGENTS = "openai-agents"
PYDANTIC_AI = "pydantic-ai"
CLAUDE_CODE = "Claude Code"
CODEX = "Codex"
PLAIN_HTTP = "plain HTTP"
CLIENTS = (
    CHAT_SDK,
    RESPONSES_SDK,
    ANTHROPIC_SDK,
    GOOGLE_SDK,
    BOTO3,
    COHERE_SDK,
    OLLAMA_SDK,
    OPENAI_AGENTS,
    PYDANTIC_AI,
    CLAUDE_CODE,
    CODEX,
    PLAIN_HTTP,
)

CHAT = "openai_chat"
RESPONSES = "openai_responses"
MESSAGES = "anthropic_messages"
GEMINI = "gemini"
CONVERSE = "bedrock_converse"
COHERE = "cohere_v2"
OLLAMA = "ollama"
LLAMA_CPP = "llama.cpp"
PROVIDERS = (CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE, COHERE, OLLAMA, LLAMA_CPP)

FEATURES = (
    "whole",
    "streamed",
    "own tools",
    "gateway tools",
    "mixed turn",
    "structured output",
    "images",
    "reasoning",
    "batches",
    "errors",
)

BY_MODEL = {"tiny": CHAT, "gpt": RESPONSES, "claude": MESSAGES, "llama": OLLAMA, "command": COHERE}
"""For tests with a parameter `model`, by the names that the contract's configurations give to their models."""
ASKED = {"whole": "whole", "streamed": "streamed", "accumulated": "streamed"}
"""For tests with a parameter `ask`."""
STREAM = {"False": "whole", "True": "streamed"}
"""For tests with a parameter that is true for a stream."""


def covers(client: Names, provider: Names, *features: str | Mapping[str, str]) -> pytest.MarkDecorator:
    """A mark for a test: it proves these features for each of these clients with each of these providers."""
    return pytest.mark.covers(client=client, provider=provider, feature=features)
