"""Which methods there are in each era, and how a request of one becomes a result. No I/O of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.handshake import discover, ping, set_level
from gateway.api.mcp.offers import (
    complete_argument,
    get_prompt,
    list_prompts,
    list_resources,
    list_templates,
    read_resource,
)
from gateway.api.mcp.results import complete
from gateway.api.mcp.subscribing import subscribe, unsubscribe
from gateway.api.mcp.tools import call_tool, list_tools
from gateway.api.mcp.wire import METHOD_NOT_FOUND, Refusal

Method = Callable[[Asked], Awaitable[Result]]

_IN_BOTH: Mapping[str, Method] = {
    "tools/list": list_tools,
    "tools/call": call_tool,
    "resources/list": list_resources,
    "resources/templates/list": list_templates,
    "resources/read": read_resource,
    "prompts/list": list_prompts,
    "prompts/get": get_prompt,
    "completion/complete": complete_argument,
}
_MODERN: Mapping[str, Method] = {**_IN_BOTH, "server/discover": discover}
_HANDSHAKE: Mapping[str, Method] = {
    **_IN_BOTH,
    "ping": ping,
    "logging/setLevel": set_level,
    "resources/subscribe": subscribe,
    "resources/unsubscribe": unsubscribe,
}


async def result_of(asked: Asked) -> Result:
    """The result of a request, as its era wants it. Raises Refusal."""
    method = (_MODERN if asked.is_modern else _HANDSHAKE).get(asked.method)
    if method is None:
        raise Refusal(METHOD_NOT_FOUND, "Method not found")
    return complete(await method(asked), is_modern=asked.is_modern)
