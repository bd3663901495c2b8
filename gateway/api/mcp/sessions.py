"""Sessions of versions before 2026-07-28: begun by `initialize`, kept in this process, bounded in every way.

A session belongs to the key that began it, or to the user behind it, and to the path at which it did: to anybody
else it is not there. When a client has not been heard of for long, or its key begins too many, a session is
forgotten; the client is told 404, and begins another one.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from gateway.api.mcp.abilities import NONE, Abilities
from gateway.api.mcp.logs import DEFAULT_LEVEL
from gateway.api.mcp.questions import Questions
from gateway.api.mcp.watching import Watching, Watchings
from gateway.api.mcp.wire import INVALID_REQUEST, Refusal, RequestId, http_refusal
from gateway.auth import KeyId, Owner

_IDLE = 1800.0  # seconds
_MOST_OF_KEY = 512
_MOST = 8192
_SWEEP_EVERY = 60.0  # seconds


@dataclass(slots=True)
class Session:
    """One session. `used` is on the clock of its `Sessions`; `calls` are what can still be cancelled."""

    id: str
    owner: Owner
    server: str | None
    version: str
    used: float
    calls: dict[RequestId, anyio.CancelScope] = field(default_factory=dict[RequestId, anyio.CancelScope])
    stream: anyio.CancelScope | None = None
    log_level: str = DEFAULT_LEVEL
    abilities: Abilities = field(default_factory=dict[str, Mapping[str, Any]])
    questions: Questions = field(default_factory=Questions)
    watching: Watching = field(kw_only=True)

    @property
    def is_busy(self) -> bool:
        """Whether it has something under way."""
        return bool(self.calls) or self.stream is not None

    @contextmanager
    def calling(self, request_id: RequestId) -> Generator[anyio.CancelScope]:
        """A scope that the client can cancel by the id of its request. Raises Refusal for an id that is in use."""
        if request_id in self.calls:
            raise Refusal(INVALID_REQUEST, "Invalid request: another request with this id is under way")
        with anyio.CancelScope() as scope:
            self.calls[request_id] = scope
            try:
                yield scope
            finally:
                del self.calls[request_id]

    def cancel(self, request_id: object) -> None:
        """Take a request back; one that is over, or never was, is none."""
        if isinstance(request_id, bool) or not isinstance(request_id, str | int):
            return
        if scope := self.calls.get(request_id):
            scope.cancel()

    def close(self) -> None:
        """End all that it has under way."""
        for scope in (*self.calls.values(), *filter(None, [self.stream])):
            scope.cancel()
        self.watching.close()
        self.questions.close()


class Sessions:
    """All sessions of this process."""

    def __init__(
        self,
        *,
        idle: float = _IDLE,
        most_of_key: int = _MOST_OF_KEY,
        most: int = _MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._idle = idle
        self._most_of_key = most_of_key
        self._most = most
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._swept = clock()
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self.watchings = Watchings()
        """What is watched in sessions, and elsewhere."""

    def __len__(self) -> int:
        """How many there are."""
        return len(self._sessions)

    def begin(self, owner: Owner, server: str | None, version: str, abilities: Abilities = NONE) -> Session:
        """A new session. Raises Refusal when there are too many."""
        self._sweep()
        self._make_room(owner)
        watching = self.watchings.of(_key_of(owner))
        session = Session(
            secrets.token_urlsafe(24),
            owner,
            server,
            version,
            self._clock(),
            abilities=abilities,
            watching=watching,
        )
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str, owner: Owner, server: str | None) -> Session | None:
        """The key's own session at this path, which counts as used now."""
        session = self._sessions.get(session_id)
        if session is None or (session.owner, session.server) != (owner, server):
            return None
        now = self._clock()
        if self._is_over(session, now):
            self.end(session)
            return None
        session.used = now
        return session

    def touch(self, session: Session) -> None:
        """It counts as used now: what went on for long has just ended."""
        session.used = self._clock()

    def end(self, session: Session) -> None:
        """Forget a session, and what it has under way."""
        self._sessions.pop(session.id, None)
        session.close()

    def keep_swept(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget in time what is not used, as long as there is any: it may keep servers running."""
        if self._timer is None and self._sessions:
            self._timer = loop.call_later(_SWEEP_EVERY, self._sweep_on, loop)

    def _sweep_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._sweeping = loop.create_task(self._sweep_in_task(loop))

    async def _sweep_in_task(self, loop: asyncio.AbstractEventLoop) -> None:
        """What is let go of with a session asks which task it is in."""
        self._forget_unused()
        self.keep_swept(loop)

    def _is_over(self, session: Session, now: float) -> bool:
        return not session.is_busy and now - session.used > self._idle

    def _sweep(self) -> None:
        """Now and then, and before a client would be turned away."""
        now = self._clock()
        if now - self._swept < _SWEEP_EVERY and len(self._sessions) < self._most:
            return
        self._forget_unused()

    def _forget_unused(self) -> None:
        now = self._swept = self._clock()
        for session in [session for session in self._sessions.values() if self._is_over(session, now)]:
            self.end(session)

    def _make_room(self, owner: Owner) -> None:
        """In the place of the owner's oldest; when all places are taken, of that of the key with the most."""
        own = [session for session in self._sessions.values() if session.owner == owner]
        if len(own) >= self._most_of_key:
            self._end_oldest(own)
        elif len(self._sessions) >= self._most:
            self._end_oldest(self._to_give_way(owner))

    def _to_give_way(self, owner: Owner) -> Sequence[Session]:
        """The sessions of the key that has the most: the owner's own, unless another has more even then.

        So no key, whose users may be many, can keep others from having any.
        """
        of_keys: defaultdict[KeyId, list[Session]] = defaultdict(list)
        for session in self._sessions.values():
            of_keys[_key_of(session.owner)].append(session)
        own = of_keys[_key_of(owner)]
        most = max(of_keys.values(), key=len)
        return most if len(most) > len(own) + 1 else own

    def _end_oldest(self, sessions: Sequence[Session]) -> None:
        idle = [session for session in sessions if not session.is_busy]
        if not idle:
            raise http_refusal(503, "There are too many sessions", {"retry-after": "60"})
        self.end(min(idle, key=lambda session: session.used))


def _key_of(owner: Owner) -> KeyId:
    """The key, without the user behind it."""
    return KeyId(owner.partition("/")[0])
