"""What we say of ourselves: `server/discover` of the modern era, `initialize` of those before.

It is the same for every key, whatever there is for it behind: what a key may not see, it cannot infer from here.
Where one server stands alone, what that one says of its use is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.envelope import MODERN_VERSIONS
from gateway.api.mcp.logs import read_level
from gateway.api.mcp.results import ABOUT_TTL, OUR_INFO
from gateway.api.mcp.surface import Surface
from gateway.api.mcp.wire import INVALID_PARAMS, Message, Refusal
from gateway.hub import protocol
from gateway.telemetry.visible import make_visible

_LONGEST_INSTRUCTIONS = 8192  # characters: a model is given them with every request
_CAPABILITIES: Mapping[str, Any] = {
    "tools": {"listChanged": True},
    "resources": {"listChanged": True, "subscribe": True},
    "prompts": {"listChanged": True},
    "completions": {},
    "logging": {},
}


async def discover(asked: Asked) -> Result:
    """What is served here, and in which versions."""
    return {
        "supportedVersions": MODERN_VERSIONS,
        "capabilities": _CAPABILITIES,
        **_instructions(asked.surface),
        "ttlMs": ABOUT_TTL,
        "cacheScope": "private",
    }


def read_initialize(message: Message) -> str:
    """The version that a session will speak. Raises Refusal."""
    wanted: Any = message.params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise Refusal(INVALID_PARAMS, "Invalid params: protocolVersion must be a string", request_id=message.id)
    return wanted if wanted in protocol.HANDSHAKE_VERSIONS else protocol.LATEST_HANDSHAKE_VERSION


def initialized(version: str, surface: Surface) -> dict[str, Any]:
    """The result of `initialize`."""
    return {
        "protocolVersion": version,
        "capabilities": _CAPABILITIES,
        "serverInfo": OUR_INFO,
        **_instructions(surface),
    }


def _instructions(surface: Surface) -> dict[str, str]:
    about = surface.catalogue.servers.get(surface.server or "")
    said = about.instructions if about is not None else None
    return {"instructions": make_visible(said[:_LONGEST_INSTRUCTIONS])[0]} if said else {}


async def ping(_asked: Asked) -> Result:
    """A sign of life."""
    return {}


async def set_level(asked: Asked) -> Result:
    """Which log messages of its calls the client of a session wants from now on."""
    level = read_level(asked.params.get("level"))
    if asked.session is not None:
        asked.session.log_level = level
    return {}
