"""The smallest ASGI server: a request given as messages, an answer taken as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from gateway.api.answer import Answer
from gateway.api.requests import Request

Headers = Sequence[tuple[bytes, bytes]]


@dataclass
class Client:
    """Sends `messages` and then nothing, until it leaves; keeps what it is sent."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    left: anyio.Event = field(default_factory=anyio.Event)
    takes: anyio.Event | None = None

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if self.takes is not None and message["type"] == "http.response.body":
            await self.takes.wait()
        self.sent.append(dict(message))

    def request(self, headers: Headers = (), **scope: Any) -> Request:
        whole = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "client": ("10.1.2.3", 5)}
        return Request({**whole, "headers": list(headers), **scope}, self.receive)  # pyright: ignore

    def answer(self, request: Request | None = None) -> Answer:
        return Answer(request or self.request(), self.send)  # pyright: ignore

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> Mapping[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def is_complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


def pieces(*bodies: bytes) -> list[dict[str, Any]]:
    """A request's body in pieces, the last of them marked as such."""
    last = len(bodies) - 1
    return [
        {"type": "http.request", "body": body, "more_body": number < last} for number, body in enumerate(bodies)
    ]
