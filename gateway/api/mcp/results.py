"""Results as clients of either era are given them: a server's own, stamped as ours."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any, cast

import orjson

from gateway.api.mcp.wire import INVALID_PARAMS, Refusal
from gateway.hub import protocol

OUR_INFO: Mapping[str, str] = {"name": "toolgate", "version": package_version("toolgate")}

LIST_TTL = 5_000
"""Milliseconds for which a client may use a list without asking again."""
ABOUT_TTL = 60_000

_OF_MODERN_RESULTS = frozenset({"resultType", "ttlMs", "cacheScope"})


def complete(result: Mapping[str, Any], *, is_modern: bool) -> dict[str, Any]:
    """A result under our name; what is said of its server by the server itself is left out (2026-07-28).

    Older clients know no kinds of results, and no times for which one may be kept.
    """
    meta = _without_server(result.get("_meta"))
    if not is_modern:
        kept = {key: value for key, value in result.items() if key not in _OF_MODERN_RESULTS and key != "_meta"}
        return {**kept, "_meta": meta} if meta else kept
    return {"resultType": "complete", **result, "_meta": {**meta, protocol.SERVER_INFO_META_KEY: OUR_INFO}}


def _without_server(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {}
    meta = cast("dict[str, Any]", raw)
    return {key: value for key, value in meta.items() if key != protocol.SERVER_INFO_META_KEY}


def listing(kind: str, entries: bytes, *, ttl: int = LIST_TTL) -> dict[str, Any]:
    """A list, whole on its only page: a JSON array. It depends on who asks, so nobody else may be given it."""
    return {kind: orjson.Fragment(entries), "ttlMs": ttl, "cacheScope": "private"}


def error_result(text: str) -> dict[str, Any]:
    """What a tool's caller, a model in the end, is told of a call that came to nothing."""
    return {"content": [{"type": "text", "text": text}], "isError": True}


def check_no_cursor(params: Mapping[str, Any]) -> None:
    """Lists have one page, so no cursor was ever given out. Raises Refusal."""
    if params.get("cursor") is not None:
        raise Refusal(INVALID_PARAMS, "Invalid params: there is no such cursor")
