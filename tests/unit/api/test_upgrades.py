"""A WebSocket that a server has already taken for one is refused as an HTTP answer."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.app import build_app
from gateway.telemetry import Metrics


def never() -> Any:
    raise AssertionError("nobody is let in")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/models", "/nowhere"])
async def test_it_is_told_to_use_http(path: str):
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "query_string": b"",
        "headers": [(b"upgrade", b"websocket")],
        "extensions": {"websocket.http.response": {}},
    }
    await build_app(never, Metrics())(scope, receive, send)
    start, body = sent
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 426)
    assert dict(start["headers"])[b"upgrade"] == b"HTTP/1.1"
    assert orjson.loads(body["body"])["error"]["code"] == "upgrade_required"
