"""A model that answers by the book: the test double of a provider, over real HTTP."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from gateway.providers.scripted.app import SCRIPTED_MODEL, ChatApp, Headers
from gateway.providers.scripted.serving import serve_app
from gateway.providers.scripted.turns import Turn

_PATIENCE = 60.0  # seconds, for what a test waits for


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived. `headers` have lower-case names; `:path` among them is the path, still encoded."""

    headers: Mapping[str, str]
    raw: bytes
    body: Mapping[str, Any]


class ScriptedUpstream:
    """An OpenAI-compatible server that plays `turns` in order, one for each request, and records the requests.

    When they are over, it answers 500; with `repeat_last` the last turn is played for ever.

        async with ScriptedUpstream([Turn(text="hello")]).serve() as upstream:
            ... upstream.base_url ... upstream.requests ...
    """

    def __init__(
        self,
        turns: Iterable[Turn] = (),
        *,
        models: tuple[str, ...] = (SCRIPTED_MODEL,),
        repeat_last: bool = False,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        self.clients_left = 0
        """How many clients left before their answer was complete."""
        self.base_url = ""
        self.app = ChatApp(self._next_turn, models=models, on_left=self._count_left)
        self._turns = deque(turns)
        self._repeat_last = repeat_last
        self._changed = anyio.Event()

    def add(self, *turns: Turn) -> None:
        """Append to the script."""
        self._turns.extend(turns)

    @property
    def is_over(self) -> bool:
        """True when every turn has been played."""
        return not self._turns

    def forget(self) -> None:
        """Drop what is left of the script, and the requests recorded so far."""
        self._turns.clear()
        self.requests.clear()
        self.clients_left = 0

    @asynccontextmanager
    async def serve(self) -> AsyncGenerator[ScriptedUpstream]:
        """Listen on a loopback port, in this event loop; `base_url` ends in `/v1`."""
        async with serve_app(self.app) as origin:
            self.base_url = f"{origin}/v1"
            yield self

    async def wait_for_requests(self, count: int) -> None:
        """Wait until so many requests have arrived. Raises TimeoutError."""
        with anyio.fail_after(_PATIENCE):
            while len(self.requests) < count:
                await self._changed.wait()

    async def wait_for_clients_left(self, count: int) -> None:
        """Wait until so many clients have left before their answer was complete. Raises TimeoutError."""
        with anyio.fail_after(_PATIENCE):
            while self.clients_left < count:
                await self._changed.wait()

    async def _next_turn(self, headers: Headers, raw: bytes, body: Mapping[str, Any]) -> Turn:
        self.requests.append(RecordedRequest(headers, raw, body))
        self._notify()
        if not self._turns:
            return Turn(status=500, body=b'{"error": {"message": "the script is over", "type": "scripted_error"}}')
        if self._repeat_last and len(self._turns) == 1:
            return self._turns[0]
        return self._turns.popleft()

    def _count_left(self) -> None:
        self.clients_left += 1
        self._notify()

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
