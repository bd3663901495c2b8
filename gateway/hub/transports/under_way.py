"""The requests whose answers are still being waited for over one HTTP client.

Above: `gateway.hub.transports.http` and `.sse`. Below: nothing. Refuses to know: HTTP.

aiohttp wakes nobody who waits for an answer when its client is closed; whoever closes one has to.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from gateway.hub.peer import PeerClosed


class UnderWay:
    """Counts what is under way, and can give all of it up."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._idle = anyio.Event()  # set, and replaced, when the last one has ended
        self._reason = ""

    @contextmanager
    def one(self) -> Generator[None]:
        """Count what is within the context. Raises PeerClosed when it was given up meanwhile."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)
                if not self._scopes:
                    self._idle.set()
                    self._idle = anyio.Event()
        if scope.cancelled_caught:
            raise PeerClosed(self._reason)

    async def wait_idle(self) -> None:
        """Wait until nothing is under way."""
        while self._scopes:
            await self._idle.wait()

    def give_up(self, reason: str) -> None:
        """End all of it with PeerClosed, for this reason."""
        self._reason = reason
        for scope in tuple(self._scopes):
            scope.cancel()
