"""Where a request for a model may go: what the API knows of it, told to routing.

Above: endpoints that call models. Below: `gateway.routing`. Nearly all models have no conditions, and then nothing
of this is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.auth import Principal
from gateway.dialects import Dialect
from gateway.errors import InvalidRequest
from gateway.routing import Asking, Route, narrowed, needs_of


def narrow_route(
    route: Route,
    principal: Principal,
    dialect: Dialect,
    fields: Mapping[str, Any],
    body_bytes: int,
    *,
    adds_tools: bool,
) -> Route:
    """The part of a route that this request may take. Raises InvalidRequest when there is none.

    `adds_tools` says whether the gateway attaches tools of its own.
    """
    if not route.is_conditional and not principal.regions:
        return route
    needs = _needs(dialect, fields) if route.is_conditional else frozenset[str]()
    if adds_tools:
        needs |= {"tools"}
    asking = Asking(principal.key_id, principal.team, principal.tags, principal.regions, body_bytes, needs)
    return narrowed(route, asking)


def _needs(dialect: Dialect, fields: Mapping[str, Any]) -> frozenset[str]:
    """What the request needs. One that cannot be read may pass as it is: its provider will judge it."""
    try:
        return needs_of(dialect.read_request(fields))
    except InvalidRequest:
        return frozenset({"streaming"}) if fields.get("stream") is True else frozenset()
