"""A peer that does as the test says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from gateway.hub.meanwhile import SILENCE
from gateway.hub.negotiation import negotiate
from gateway.hub.peer import RpcError
from gateway.hub.session import Session

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
DISCOVERED = {"supportedVersions": [MODERN], "capabilities": {"tools": {}}}
INITIALIZED = {"protocolVersion": LEGACY, "capabilities": {"tools": {}}}

Answer = Callable[[Mapping[str, Any]], Awaitable[Any]]


@dataclass
class FakePeer:
    """Answers each method by its entry: a value, an exception, or a coroutine function of the params."""

    answers: dict[str, Any]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    followed: int = 0
    is_closed: bool = False

    def speak(self, version: str) -> None:
        self.versions.append(version)

    def hears_logs(self) -> bool:
        return True

    async def request(self, method, params, *, meanwhile=SILENCE, headers=None, authorizer=None):
        self.asked.append((method, params))
        self.headers = headers
        self.meanwhile = meanwhile
        answer = self.answers.get(method, RpcError(-32601, "Method not found"))
        if callable(answer):
            answer = await answer(params)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def notify(self, method, params=None) -> None:
        self.asked.append((method, params or {}))

    async def follow(self, on_open: Callable[[], None]) -> None:
        self.followed += 1

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]


async def never(params) -> None:
    await anyio.sleep_forever()


async def connect(answers: dict[str, Any], *, era=None, head_start: float = 5.0) -> tuple[Session, FakePeer]:
    peer = FakePeer(answers)
    with anyio.fail_after(60):
        return await negotiate(peer, era=era, head_start=head_start), peer
