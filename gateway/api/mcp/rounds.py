"""Requests that take several rounds: the server asks for input, and the client repeats the request with it.

Between two rounds the server's state is with the client (2026-07-28, "Multi round-trip requests"). The server
knows this gateway only, not who of its clients is who: so the state leaves sealed, for this key, this request and
an hour, and comes back as that or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.api.mcp.abilities import PASSED_ON
from gateway.api.mcp.asked import Asked
from gateway.api.mcp.wire import INVALID_PARAMS, Refusal, object_param
from gateway.hub import Caller, GivenInput

_GOOD_FOR = 3600  # seconds
_TRACE = ("traceparent", "tracestate", "baggage")


def caller_of(asked: Asked) -> Caller:
    """The client as its server is told of it."""
    known = asked.client.capabilities if asked.session is None else asked.session.abilities
    trace = {key: value for key in _TRACE if isinstance(value := asked.meta.get(key), str)}
    able = {name: known[name] for name in PASSED_ON if name in known}
    return Caller(able, log_level=asked.log_level, trace=trace)


def given_input(asked: Asked, place: bytes) -> GivenInput | None:
    """What the client brings to a further round; None for a first one. Raises Refusal."""
    params = asked.params
    responses: Any = params.get("inputResponses")
    state: Any = params.get("requestState")
    if not asked.is_modern or (responses is None and state is None):
        return None
    if state is not None:
        state = asked.services.sealed_states.open(state, place) if isinstance(state, str) else None
        if state is None:
            raise Refusal(INVALID_PARAMS, "Invalid params: requestState is not one that was given out for this")
    return GivenInput(None if responses is None else object_param(params, "inputResponses"), state)


def wanted_input(asked: Asked, requests: Mapping[str, Any], state: str | None, place: bytes) -> dict[str, Any]:
    """The result that asks for input."""
    result: dict[str, Any] = {"resultType": "input_required"}
    if requests:
        result["inputRequests"] = requests
    if state is not None:
        sealed = asked.services.sealed_states.seal(state, place, ttl_seconds=_GOOD_FOR)
        result["requestState"] = sealed
    return result


def place_of(asked: Asked, server: str, subject: object) -> bytes:
    """What a state is sealed together with: whose it is, and which request it belongs to."""
    parts = [asked.principal.owner, asked.method, server, subject]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()
