"""How many calls a provider may have under way: a bounded number, and a bounded queue before it."""

from __future__ import annotations

from collections import deque

import anyio


class Gate:
    """One provider's. At most `limit` are inside; at most `most_waiting` wait, each for `patience` seconds."""

    __slots__ = ("_inside", "_queue", "limit", "most_waiting", "patience")

    def __init__(self, limit: int, most_waiting: int, patience: float) -> None:
        self.limit = limit
        self.most_waiting = most_waiting
        self.patience = patience
        self._inside = 0
        self._queue: deque[anyio.Event] = deque()

    @property
    def inside(self) -> int:
        """How many are inside now."""
        return self._inside

    async def enter(self) -> bool:
        """Go in, waiting for it if there is room to wait; False when it did not come to that. Then `leave`."""
        if self._inside < self.limit and not self._queue:
            self._inside += 1
            return True
        if len(self._queue) >= self.most_waiting:
            return False
        turn = anyio.Event()
        self._queue.append(turn)
        try:
            with anyio.move_on_after(self.patience):
                await turn.wait()
        except BaseException:
            if not self._step_out(turn):
                self.leave()
            raise
        return not self._step_out(turn)

    def leave(self) -> None:
        """Go out, and let the next ones in."""
        self._inside -= 1
        self.admit()

    def admit(self) -> None:
        """Let in those that wait, as far as there is room: also after the limit has been raised."""
        while self._queue and self._inside < self.limit:
            self._inside += 1
            self._queue.popleft().set()

    def _step_out(self, turn: anyio.Event) -> bool:
        """Leave the queue; False for one that has been let in already."""
        if turn.is_set():
            return False
        self._queue.remove(turn)
        return True
