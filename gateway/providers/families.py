"""Whose state of mind a model can take up: its own family's.

Above: `caller`. A model's answer may hold what only its makers can read: proofs of what it thought, in parts of
their own or beside its text and calls. Another family would refuse them, or take them for what was said. So every
answer is marked with the family that wrote it, and of a message of another family only what was said is sent on.
Nothing is made up in the place of what is left out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import lru_cache

from gateway.conversation import (
    Message,
    ModelRequest,
    ModelResponse,
    Part,
    Reasoning,
    ResponseStarted,
    Source,
    StreamEvent,
    Text,
    ToolCall,
    UnknownPart,
)
from gateway.providers.provider import Provider

_KNOWN = frozenset(
    {
        *("claude", "gemini", "gemma", "gpt", "deepseek", "qwen", "kimi", "glm", "grok", "minimax", "llama"),
        *("mistral", "magistral", "command", "nova", "nemotron", "phi", "granite", "jamba", "hunyuan", "ernie"),
    }
)
"""Makers' names for their models, which hosts put among other words: `us.anthropic.claude-opus-9-v1:0`."""

_BOUND_TO_HOST = frozenset({"gemini"})
"""Families whose proofs hold at the host that gave them alone."""

_WORD = re.compile(r"[a-z]+")
_NO_STATE = frozenset({"type", "namespace"})
"""What kind of call it is, among the fields that are not named."""


def family_of(provider: Provider, model: str, dialect: str) -> str:
    """The family of `model`, spoken to in `dialect`: equal for models that can read each other's proofs."""
    name = _name_in(model)
    host = f"@{provider.name}" if name in _BOUND_TO_HOST else ""
    return f"{dialect}:{name}{host}"


@lru_cache(1024)
def _name_in(model: str) -> str:
    words: list[str] = _WORD.findall(model.rpartition("/")[2].lower())
    return next((word for word in words if word in _KNOWN), words[0] if words else model)


def written_by(family: str, model: str, response: ModelResponse) -> ModelResponse:
    """The answer, marked; with the model's name, where the provider does not repeat it."""
    message = replace(response.message, origin=family)
    return replace(response, message=message, model=response.model or model)


async def stream_by(family: str, model: str, events: AsyncGenerator[StreamEvent]) -> AsyncGenerator[StreamEvent]:
    """The same events, the first of them marked; closed with this."""
    try:
        async for event in events:
            if isinstance(event, ResponseStarted):
                yield replace(event, origin=family, model=event.model or model)
            else:
                yield event
    finally:
        await events.aclose()


def readable_by(family: str, request: ModelRequest) -> ModelRequest:
    """The request without what other families alone can read. Messages of unknown origin stay as they are."""
    if all(message.origin in (None, family) for message in request.messages):
        return request
    told = (
        message if message.origin in (None, family) else _without_state(message) for message in request.messages
    )
    return replace(request, messages=tuple(message for message in told if message.parts))


def _without_state(message: Message) -> Message:
    parts = (_said(part) for part in message.parts if not isinstance(part, Reasoning | UnknownPart))
    return replace(message, parts=tuple(parts), source=None)


def _said(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.source is not None:
        kind = {name: value for name, value in part.source.raw.items() if name in _NO_STATE}
        return replace(part, source=Source(part.source.dialect, kind) if kind else None)
    if isinstance(part, Text):
        return Text(part.text)
    return part
