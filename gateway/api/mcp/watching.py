"""Resources that one client wants to hear of: which they are, and which of them may have changed.

Above: `resources/subscribe` and `subscriptions/listen` say what is watched; the client's stream takes what there
is to tell. Below: the pipeline, which judges and records each watch like reading the resource. What a stream tells
is judged once more at that moment, and after a change of what the client sees each watch is made anew.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import anyio

from gateway.api.mcp.refusals import no_resource, refusal_of
from gateway.api.mcp.resources_seen import Place
from gateway.api.mcp.seen import Seen
from gateway.api.mcp.wire import Refusal, http_refusal
from gateway.auth import KeyId
from gateway.hub import Watch
from gateway.tool_calls import CallContext, OfferRequest

_log = logging.getLogger(__name__)

MOST_OF_CLIENT = 256
"""URIs in one session or stream."""
_MOST_OF_KEY = 1024
_PATIENCE = 10.0  # seconds for a server to take a subscription: the client's stream waits meanwhile
_TRY_AGAIN = 30.0  # seconds until a server is asked again that could not be asked when all was looked at anew
_PASSING = frozenset({503, 504})  # what is answered while a server is down, or too slow
_AT_ONCE = 16
"""Watches that one client begins at the same time."""


@dataclass(slots=True)
class _Watched:
    """A URI as the client knows it, as it was last judged.

    `ending` tells configurations apart without holding on to one. `again_at` is on anyio's clock: when to try once
    more what could not be judged.
    """

    place: Place | None = None
    watch: Watch | None = None
    ending: anyio.Event | None = None
    again_at: float = -math.inf
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    is_gone: bool = False

    def judge(self, place: Place | None, ending: anyio.Event, watch: Watch | None) -> None:
        """It has been judged: `watch` takes the place of the one before, which ends only now."""
        self.drop()
        self.place, self.ending, self.watch, self.again_at = place, ending, watch, -math.inf

    def drop(self) -> None:
        """Watch it no more."""
        if self.watch is not None:
            self.watch.close()
            self.watch = None


class Watching:
    """See the module. To be closed, whatever happens."""

    def __init__(self, tally: Counter[KeyId], key_id: KeyId) -> None:
        self._tally = tally
        self._key_id = key_id
        self._watched: dict[str, _Watched] = {}
        self._updated: dict[str, None] = {}  # in the order in which it was heard
        self._is_closed = False
        self.stirred = anyio.Event()
        """Set when there is something to be told; replaced when it is taken."""

    def __len__(self) -> int:
        """How many URIs are watched."""
        return len(self._watched)

    async def add(self, seen: Seen, run_id: str, uri: str) -> None:
        """Watch one. Raises Refusal, as reading it would: then it is not watched."""
        watched = self._watched.get(uri) or self._one_more(uri)
        try:
            async with watched.lock:
                await self._begin(seen, run_id, uri, watched)
        except Refusal:
            self._forget(uri, watched)
            raise
        finally:
            if watched.watch is None:
                self._forget(uri, watched)

    def _one_more(self, uri: str) -> _Watched:
        if len(self._watched) >= MOST_OF_CLIENT or self._tally[self._key_id] >= _MOST_OF_KEY:
            raise http_refusal(429, "Too many resources are subscribed to")
        self._tally[self._key_id] += 1
        watched = self._watched[uri] = _Watched()
        return watched

    async def _begin(self, seen: Seen, run_id: str, uri: str, watched: _Watched) -> None:
        """Watch it as it is seen now, in the place of how it was seen before.

        Raises Refusal. What is refused for now alone stays as it was: nothing is told but what may be heard then.
        """
        place, ending = seen.surface.resources.find(uri), seen.services.ending
        if watched.watch is not None and (watched.place, watched.ending) == (place, ending):
            return
        try:
            begun = await self._watch(seen, run_id, uri, place)
        except Refusal as refusal:
            if refusal.status in _PASSING:
                watched.again_at = anyio.current_time() + _TRY_AGAIN
            else:
                watched.judge(place, ending, None)
            raise
        if watched.is_gone or self._is_closed:
            begun.close()
            raise http_refusal(409, "The subscription was taken back meanwhile")
        is_first = watched.ending is None
        has_gap = watched.place != place or not begun.continues(watched.watch)
        watched.judge(place, ending, begun)
        if has_gap and not is_first:
            self._update(uri)

    async def _watch(self, seen: Seen, run_id: str, uri: str, place: Place | None) -> Watch:
        if place is None:
            raise no_resource(uri)

        offer, context = _offer(run_id, place), _context(seen, run_id)
        outcome, watch = await seen.services.tool_caller.watch(offer, context, lambda: self._update(uri))
        if watch is None:
            raise no_resource(uri) if outcome.outcome == "unknown_tool" else refusal_of(outcome)
        return watch

    def _update(self, uri: str) -> None:
        """A resource may have changed."""
        if uri in self._watched:
            self._updated[uri] = None
            self.stirred.set()

    async def add_all(self, seen: Seen, run_id: str, uris: Iterable[str]) -> list[str]:
        """Watch several; those that are."""
        await _each(uris, lambda uri: self.add(seen, run_id, uri))
        return list(self._watched)

    async def follow(self, seen: Seen, run_id: str) -> None:
        """Watch what is watched as it is seen now; what is not there any more may come back."""

        async def look_again(uri: str) -> None:
            watched = self._watched.get(uri)
            if watched is None or watched.again_at > anyio.current_time():
                return
            watched.again_at = -math.inf
            if (watched.place, watched.ending) != (seen.surface.resources.find(uri), seen.services.ending):
                async with watched.lock:
                    await self._begin(seen, run_id, uri, watched)

        if self._watched:
            await _each(tuple(self._watched), look_again)

    def due_in(self) -> float:
        """Seconds until `follow` has something to try once more; infinite where all has been judged."""
        waiting = [one.again_at for one in self._watched.values() if one.again_at > -math.inf]
        return max(0.0, min(waiting) - anyio.current_time()) if waiting else math.inf

    def take(self, seen: Seen, run_id: str) -> list[str]:
        """What may have changed since this was last asked for, of what the client may read at this moment."""
        self.stirred = anyio.Event()
        updated, self._updated = self._updated, {}
        return [uri for uri in updated if self._may_hear(seen, run_id, uri)]

    def _may_hear(self, seen: Seen, run_id: str, uri: str) -> bool:
        watched, place = self._watched.get(uri), seen.surface.resources.find(uri)
        if watched is None or place is None or watched.place != place:
            return False
        return seen.services.tool_caller.allows(_offer(run_id, place), _context(seen, run_id))

    def remove(self, uri: str) -> None:
        """Watch one no more."""
        if watched := self._watched.get(uri):
            self._forget(uri, watched)

    def _forget(self, uri: str, watched: _Watched) -> None:
        if self._watched.get(uri) is not watched:
            return
        del self._watched[uri]
        self._updated.pop(uri, None)
        watched.is_gone = True
        watched.drop()
        self._tally[self._key_id] -= 1
        if not self._tally[self._key_id]:
            del self._tally[self._key_id]

    def close(self) -> None:
        """Watch nothing any more."""
        self._is_closed = True
        for uri, watched in tuple(self._watched.items()):
            self._forget(uri, watched)


class Watchings:
    """What all clients watch, counted by their keys."""

    def __init__(self) -> None:
        self._tally: Counter[KeyId] = Counter()

    def of(self, key_id: KeyId) -> Watching:
        """For one more client of a key."""
        return Watching(self._tally, key_id)


async def _each(uris: Iterable[str], work: Callable[[str], Awaitable[None]]) -> None:
    """Do it for several, and let those be that are refused."""
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def one(uri: str) -> None:
        async with limiter:
            try:
                await work(uri)
            except Refusal as refusal:
                _log.debug("a resource is not watched: %s", refusal.message)

    async with anyio.create_task_group() as tasks:
        for uri in uris:
            tasks.start_soon(one, uri)


def _offer(run_id: str, place: Place) -> OfferRequest:
    wanted = {"uri": place.uri}
    return OfferRequest(run_id, place.server, "resources", wanted, "resources/subscribe", wanted)


def _context(seen: Seen, run_id: str) -> CallContext:
    limits = seen.services.loop_limits
    return CallContext(
        seen.principal.key_id,
        run_id,
        seen.surface.policy,
        min(limits.tool_call_seconds, _PATIENCE),
        limits.result_bytes,
        user=seen.principal.user,
        surface="mcp",
        as_sent=True,
        breaks_off=True,
    )
