"""A client that lost an answer asks again: `Attempts` finds the run that its first attempt began.

The official SDKs retry without an idempotency key but mark the retry; other clients may send a key. Either
way a run is never begun twice: a retry waits for an attempt still at work, takes up one that broke off, and
is told again the answer of one that ended. Kept in this process's memory, bounded in number, bytes and age.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from gateway.auth import KeyId
from gateway.errors import IdempotencyMismatch
from gateway.tool_loop.driver import ToolLoop


@dataclass(frozen=True, slots=True)
class RequestIdentity:
    """What makes two requests the same one: the key, and the client's idempotency key or else the body.

    `body_digest` covers the body and every header that changes what the request means.
    """

    key_id: KeyId
    body_digest: bytes
    idempotency_key: str | None = None

    @property
    def slot(self) -> tuple[KeyId, str | bytes]:
        """Where the run of this request is kept."""
        return self.key_id, self.idempotency_key or self.body_digest


@dataclass(slots=True)
class _Attempted:
    loop: ToolLoop
    body_digest: bytes
    size: int
    expires: float
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Attempts:
    """The runs that a retry may join. `ttl_seconds` counts from a run's last use."""

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
        self._runs: OrderedDict[tuple[KeyId, str | bytes], _Attempted] = OrderedDict()
        self._bytes = 0

    @asynccontextmanager
    async def claim(
        self, identity: RequestIdentity, *, begin: Callable[[], ToolLoop], body_bytes: int, rejoin: bool
    ) -> AsyncGenerator[ToolLoop, None]:
        """The loop to run for this request: an earlier attempt's when `rejoin` is set and there is one.

        Only one attempt at a run works at a time; others wait here. Raises `IdempotencyMismatch` when the
        client's idempotency key was used for another body.
        """
        attempted = self._find(identity) if rejoin else None
        if attempted is None:
            attempted = self._add(identity, begin(), body_bytes)
        async with attempted.lock:
            try:
                yield attempted.loop
            finally:
                attempted.expires = self._clock() + self._ttl

    def _find(self, identity: RequestIdentity) -> _Attempted | None:
        self._forget_expired()
        attempted = self._runs.get(identity.slot)
        if attempted is not None and attempted.body_digest != identity.body_digest:
            raise IdempotencyMismatch(
                "this Idempotency-Key was used before for a different request; send a new key"
            )
        return attempted

    def _add(self, identity: RequestIdentity, loop: ToolLoop, size: int) -> _Attempted:
        self._remove(identity.slot)
        attempted = _Attempted(loop, identity.body_digest, size, self._clock() + self._ttl)
        self._runs[identity.slot] = attempted
        self._bytes += size
        self._forget_expired()
        while len(self._runs) > self._most_runs or (self._bytes > self._most_bytes and len(self._runs) > 1):
            self._remove(next(iter(self._runs)))
        return attempted

    def _forget_expired(self) -> None:
        now = self._clock()
        expired = [slot for slot, run in self._runs.items() if run.expires < now and not run.lock.locked()]
        for slot in expired:
            self._remove(slot)

    def _remove(self, slot: tuple[KeyId, str | bytes]) -> None:
        removed = self._runs.pop(slot, None)
        if removed is not None:
            self._bytes -= removed.size
