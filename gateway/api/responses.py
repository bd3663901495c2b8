"""Writes HTTP answers to ASGI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Send

JSON = "application/json"


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


async def send_response(send: Send, response: Response, ids: Mapping[str, str]) -> None:
    """Send an answer whole; `ids` are headers that every answer carries, and go before the answer's own."""
    headers = {**response.headers, **ids}
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    raw.append((b"content-type", response.content_type.encode("latin-1")))
    raw.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})
