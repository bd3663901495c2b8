"""What a client really sent: stands in front of the gateway, and keeps requests as they arrive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass
class Seen:
    """One request, and the status of its answer, 0 while there is none. `headers` have lower-case names."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes = b""
    status: int = 0
    answered: bytes = b""

    @cached_property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Recorder:
    """The requests to one path, in order; all others are let through unseen."""

    path: str
    seen: list[Seen] = field(default_factory=list)

    def in_front_of(self, app: ASGIApp) -> ASGIApp:
        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] != self.path:
                await app(scope, receive, send)
                return
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            one = Seen(scope["method"], scope["path"], headers)
            self.seen.append(one)

            async def read() -> Message:
                message = await receive()
                one.raw += message.get("body", b"")
                return message

            async def answer(message: Message) -> None:
                one.status = message.get("status", one.status)
                one.answered += message.get("body", b"")
                await send(message)

            await app(scope, read, answer)

        return watched
