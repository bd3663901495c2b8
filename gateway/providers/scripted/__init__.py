"""The scripted model: a provider without a model behind it, for the demo and for tests.

Above: the demo serves it on a loopback port and configures it like any provider; tests give it a script.
Refuses to know: anything of toolgate; it sees HTTP requests and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from gateway.providers.scripted.app import SCRIPTED_MODEL, ChatApp
from gateway.providers.scripted.model import respond
from gateway.providers.scripted.script import RecordedRequest, ScriptedUpstream
from gateway.providers.scripted.serving import serve_app
from gateway.providers.scripted.turns import Call, Turn

__all__ = [
    "SCRIPTED_MODEL",
    "Call",
    "RecordedRequest",
    "ScriptedUpstream",
    "Turn",
    "respond",
    "serve_scripted_model",
]


@asynccontextmanager
async def serve_scripted_model(*, port: int = 0, pause: float = 0.0) -> AsyncGenerator[str]:
    """Serve the scripted model on a loopback port; gives its base URL. `pause` is in seconds between events."""

    async def decide(headers: Mapping[str, str], raw: bytes, request: Mapping[str, Any]) -> Turn:
        return respond(request)

    async with serve_app(ChatApp(decide, pause=pause), port=port) as origin:
        yield f"{origin}/v1"
