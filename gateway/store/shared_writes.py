"""Writes that would wait for one another go together: to begin and commit costs more than what one of them writes.

Above: `gateway.store.payloads`. Refuses to know: databases, threads, what is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import anyio

ItemT = TypeVar("ItemT")


@dataclass(slots=True, eq=False)
class _Batch:
    """What goes together. `failure` is why nothing of it was written."""

    items: list[Any] = field(default_factory=list[Any])
    is_over: bool = False
    failure: Exception | None = None


class SharedWrites(Generic[ItemT]):
    """`write` writes several items, all of them or none, and may do so again: it is called by one at a time."""

    def __init__(self, write: Callable[[Sequence[ItemT]], Awaitable[None]]) -> None:
        self._write = write
        self._turn = anyio.Lock(fast_acquire=True)
        self._next = _Batch()

    async def add(self, item: ItemT) -> None:
        """Write `item`, with what else waits for its turn. Raises what `write` raises.

        An item whose caller is cancelled may be written all the same, with those that wait beside it.
        """
        batch = self._next
        batch.items.append(item)
        async with self._turn:
            if not batch.is_over:
                await self._write_out(batch)
        if batch.failure is not None:
            raise batch.failure

    async def _write_out(self, batch: _Batch) -> None:
        """Cancelled before it is over, it is left to the next of those who wait for the same batch."""
        if self._next is batch:
            self._next = _Batch()
        try:
            await self._write(batch.items)
        except Exception as error:  # noqa: BLE001 - raised by each of those who wait
            batch.failure = error
        batch.is_over = True
