"""A client that lost an answer asks again: `Attempts` finds the run that its first attempt began.

The official SDKs retry without an idempotency key but mark the retry; other clients may send a key. Either
way a run is never begun twice: a retry waits for an attempt still at work, takes up one that broke off, and
is told again the answer of one that ended. Clients that do not mark their retries (Codex, for one) join a run
that broke off after a tool may have written something, so that it is not written twice. Kept in this process's
memory, bounded in number, bytes and age.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from gateway.auth import Owner
from gateway.errors import IdempotencyMismatch
from gateway.tool_loop.driver import ToolLoop

Slot = tuple[Owner, str | bytes]


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """What makes two requests the same one: whose it is, and the client's idempotency key or else the body.

    `body_digest` covers the body and every header that changes what the request means.
    """

    owner: Owner
    body_digest: bytes
    idempotency_key: str | None = None

    @property
    def slot(self) -> Slot:
        """Where the run of this request is kept."""
        return self.owner, self.idempotency_key or self.body_digest


@dataclass(slots=True)
class _Attempted:
    """`size` is in bytes: the request, and what its tools gave as of the end of the last attempt."""

    loop: ToolLoop
    body_digest: bytes
    size: int
    expires: float
    lock: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))


class Attempts:
    """The runs that a retry may join. `ttl_seconds` counts from a run's last use.

    The bounds are kept by forgetting the runs that have been unused for longest. Runs at work are not forgotten:
    how many there can be is bounded by the requests in flight.
    """

    def __init__(
        self,
        *,
        ttl_seconds: float = 600.0,
        most_runs: int = 512,
        most_bytes: int = 128 * 1024 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl_seconds
        self._most_runs = most_runs
        self._most_bytes = most_bytes
        self._clock = clock
        self._runs: OrderedDict[Slot, _Attempted] = OrderedDict()  # the longest unused first
        self._bytes = 0

    @asynccontextmanager
    async def claim(
        self, identity: RequestIdentity, *, begin: Callable[[], ToolLoop], body_bytes: int, rejoin: bool
    ) -> AsyncGenerator[ToolLoop, None]:
        """The loop to run for this request: an earlier attempt's when `rejoin` is set and there is one, or when
        that broke off half done.

        Only one attempt at a run works at a time; others wait here. Raises `IdempotencyMismatch` when the
        client's idempotency key was used for another body.
        """
        attempted = self._find(identity) if rejoin else self._half_done(identity)
        if attempted is None:
            attempted = self._add(identity, begin(), body_bytes)
        try:
            async with attempted.lock:
                yield attempted.loop
        finally:
            attempted.expires = self._clock() + self._ttl
            self._note_use(identity.slot, attempted, body_bytes + attempted.loop.machine.spent.kept_bytes)
            self._keep_bounds()

    def _find(self, identity: RequestIdentity) -> _Attempted | None:
        attempted = self._runs.get(identity.slot)
        if attempted is None or self._is_forgettable(attempted, self._clock()):
            return None
        if attempted.body_digest != identity.body_digest:
            raise IdempotencyMismatch(
                "this Idempotency-Key was used before for a different request; send a new key"
            )
        return attempted

    def _half_done(self, identity: RequestIdentity) -> _Attempted | None:
        """A run of this very request that has no answer although a tool may have written, with nobody at work."""
        attempted = self._runs.get(identity.slot)
        if attempted is None or attempted.body_digest != identity.body_digest or attempted.lock.locked():
            return None
        loop = attempted.loop
        is_half_done = loop.finish is None and loop.may_have_written
        return attempted if is_half_done and not self._is_forgettable(attempted, self._clock()) else None

    def _add(self, identity: RequestIdentity, loop: ToolLoop, size: int) -> _Attempted:
        self._remove(identity.slot)
        attempted = _Attempted(loop, identity.body_digest, size, self._clock() + self._ttl)
        self._runs[identity.slot] = attempted
        self._bytes += size
        return attempted

    def _note_use(self, slot: Slot, attempted: _Attempted, size: int) -> None:
        if self._runs.get(slot) is attempted:  # and has not been replaced meanwhile
            self._runs.move_to_end(slot)
            self._bytes += size - attempted.size
            attempted.size = size

    def _is_forgettable(self, attempted: _Attempted, now: float) -> bool:
        return attempted.expires < now and not attempted.lock.locked()

    def _keep_bounds(self) -> None:
        """Forget what is too old, and then what is too much; the run that was used last is always kept."""
        now = self._clock()
        for slot, attempted in list(self._runs.items())[:-1]:
            is_over = len(self._runs) > self._most_runs or self._bytes > self._most_bytes
            if self._is_forgettable(attempted, now) or (is_over and not attempted.lock.locked()):
                self._remove(slot)
            elif not is_over:
                return

    def _remove(self, slot: Slot) -> None:
        removed = self._runs.pop(slot, None)
        if removed is not None:
            self._bytes -= removed.size
