"""`resources/subscribe` and `resources/unsubscribe`, as versions before 2026-07-28 have them: for a session."""

from __future__ import annotations

from gateway.api.mcp.asked import Asked, Result
from gateway.api.mcp.watching import Watching
from gateway.api.mcp.wire import METHOD_NOT_FOUND, Refusal, text_param
from gateway.api.run_records import RunLog


async def subscribe(asked: Asked) -> Result:
    """Tell the session's stream of updates of a resource, if the key may read it."""
    uri = text_param(asked.params, "uri")
    run = RunLog(asked.request, asked.principal, "mcp", calls=1)
    async with run.recorded(asked.services):
        await _watching_of(asked).add(asked.seen, asked.request.run_id, uri)
    return {}


async def unsubscribe(asked: Asked) -> Result:
    """Tell no more of it; of what was not subscribed to, nothing was told before either."""
    _watching_of(asked).remove(text_param(asked.params, "uri"))
    return {}


def _watching_of(asked: Asked) -> Watching:
    if asked.session is None:
        raise Refusal(METHOD_NOT_FOUND, "Method not found")
    return asked.session.watching
