"""Where a model is called and listed, by dialect: paths below a provider's base URL, and what goes along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.dialects import Dialect
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one dialect is spoken over HTTP.

    `path` is where a model is called, `count_path` where tokens are counted, if that can be asked, `models_path`
    where models are listed. `headers` go with every request that does not have them.
    """

    dialect: Dialect
    path: str
    models_path: str = "/models"
    count_path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


ENDPOINTS: Mapping[str, Endpoint] = {
    OPENAI_CHAT.name: Endpoint(OPENAI_CHAT, "/chat/completions"),
    ANTHROPIC_MESSAGES.name: Endpoint(
        ANTHROPIC_MESSAGES,
        "/messages",
        models_path="/models?limit=1000",
        count_path="/messages/count_tokens",
        headers={"anthropic-version": "2023-06-01"},
    ),
}
"""By the name of the dialect."""
