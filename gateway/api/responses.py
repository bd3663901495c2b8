"""Whole HTTP answers as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json"

_NOT_PASSED_ON = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"),
        *("transfer-encoding", "content-length", "content-encoding", "set-cookie"),
        *("x-request-id", "date", "server", "alt-svc", "strict-transport-security", "www-authenticate"),
        *("openai-organization", "openai-project"),  # whose account it is
        *("access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"),
    }
)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Names in `headers` are lower-case; length is added when it is sent."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(status, orjson.dumps(value), headers=headers or {})


def passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    """A provider's headers that go on to the client, names in lower case."""
    named = hop_by_hop(headers)
    left_out = _NOT_PASSED_ON.union(named) if named else _NOT_PASSED_ON
    return {name: value for name, value in headers.items() if name not in left_out}


def hop_by_hop(headers: Mapping[str, str]) -> list[str]:
    """The names that a `Connection` header says are for its own connection alone (RFC 9110, section 7.6.1)."""
    named = headers.get("connection", "")
    return [name.strip().lower() for name in named.split(",")] if named else []
