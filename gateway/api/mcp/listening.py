"""Streams on which clients are told that what they see has changed: `subscriptions/listen`, and a session's GET.

A stream belongs to no configuration: when that is replaced, it goes on with the next one, if its key is still one.
It is told of nothing but what its own key sees: what changes for others does not stir it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio

from gateway.api.answer import Answer
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.mcp.exchange import EVENT_HEADERS
from gateway.api.mcp.results import complete
from gateway.api.mcp.seen import Seen
from gateway.api.mcp.watching import MOST_OF_CLIENT, Watching
from gateway.api.mcp.wire import (
    INVALID_PARAMS,
    Refusal,
    RequestId,
    encode_notification,
    encode_result,
    http_refusal,
    object_param,
)
from gateway.api.requests import Request
from gateway.api.run_records import RunLog
from gateway.api.services import Services
from gateway.auth import KeyId
from gateway.errors import RequestError
from gateway.hub import protocol
from gateway.sse import HEARTBEAT, encode_event

CHANGES: Mapping[str, str] = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""What can be listened to, and what is sent of it; and beside these, updates of single resources."""

_MOST_OF_KEY = 256
_MOST = 2048

_COALESCE = 0.05  # seconds in which updates are gathered: servers may send them as fast as they can

Look = Callable[[], Awaitable[Seen | None]]
"""What there is to be seen now; None when there is nothing any more for who looked before."""


@dataclass(slots=True)
class Streams:
    """How many streams there are."""

    _of_keys: dict[KeyId, int] = field(default_factory=dict[KeyId, int])

    @contextmanager
    def one_more(self, key_id: KeyId, *, replaces: bool = False) -> Generator[None]:
        """Count one for as long as the context is open. Raises Refusal when there are too many.

        One that it `replaces` is about to end, and counts no more.
        """
        of_key, all_of_them = self._of_keys.get(key_id, 0) - replaces, sum(self._of_keys.values()) - replaces
        if of_key >= _MOST_OF_KEY or all_of_them >= _MOST:
            raise http_refusal(503, "There are too many streams", {"retry-after": "60"})
        self._of_keys[key_id] = self._of_keys.get(key_id, 0) + 1
        try:
            yield
        finally:
            self._of_keys[key_id] -= 1
            if not self._of_keys[key_id]:
                del self._of_keys[key_id]


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens. It holds on to no configuration: it may outlive many."""

    key_id: KeyId
    heartbeat: float
    look: Look


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `wanted` are keys of `CHANGES`, and `watching` has the resources whose updates are told.

    With `subscription` it is a `subscriptions/listen`, which is acknowledged and brought to an end.
    """

    listener: Listener
    wanted: frozenset[str]
    watching: Watching
    subscription: Subscription | None = None

    async def run(self, request: Request, answer: Answer) -> None:
        """Send changes until the client leaves, the key is gone, or the gateway stops."""
        look, heartbeat, run_id = self.listener.look, self.listener.heartbeat, request.run_id
        with CancelledWhenClientLeaves(request, answer):
            await answer.begin(200, dict(EVENT_HEADERS))
            seen = await look()
            await answer.write(await self._begin(request, seen))
            while seen is not None:
                await self.watching.follow(seen, run_id)
                await self._stirred(seen, heartbeat)
                before, seen = seen, await look()
                if seen is not None:
                    await answer.write(self._changes(before, seen, run_id) or HEARTBEAT)
            last = b"" if self.subscription is None else encode_event(self.subscription.ended(), "message")
            await answer.write(last, more=False)

    async def _begin(self, request: Request, seen: Seen | None) -> bytes:
        """What is sent first."""
        subscription = self.subscription
        if subscription is None:
            return HEARTBEAT
        watched: list[str] = []
        if subscription.uris and seen is not None:
            run = RunLog(request, seen.principal, "mcp", calls=len(subscription.uris))
            async with run.recorded(seen.services):
                watched = await self.watching.add_all(seen, request.run_id, subscription.uris)
        return encode_event(subscription.acknowledged(self.wanted, watched), "message")

    def _changes(self, before: Seen, now: Seen, run_id: str) -> bytes:
        """What is sent of them; nothing where there are none."""
        kinds = sorted(now.surface.differences(before.surface) & self.wanted)
        told: list[tuple[str, dict[str, Any]]] = [(CHANGES[kind], {}) for kind in kinds]
        told += [(protocol.RESOURCE_UPDATED, {"uri": uri}) for uri in self.watching.take(now, run_id)]
        meta = {} if self.subscription is None else {"_meta": self.subscription.meta}
        return b"".join(
            encode_event(encode_notification(method, {**params, **meta}), "message") for method, params in told
        )

    async def _stirred(self, seen: Seen, seconds: float) -> None:
        """Wait until something may have changed, and not for longer than `seconds`."""
        services, stirred = seen.services, self.watching.stirred

        async def first(wait: Callable[[], Awaitable[object]]) -> None:
            await wait()
            tasks.cancel_scope.cancel()

        with anyio.move_on_after(min(seconds, self.watching.due_in())):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first, lambda: services.hub.change(seen.surface.catalogue))
                tasks.start_soon(first, services.ending.wait)
                tasks.start_soon(first, stirred.wait)
        if stirred.is_set():
            await anyio.sleep(_COALESCE)


@dataclass(frozen=True, slots=True)
class Subscription:
    """What was asked for with `subscriptions/listen` (2026-07-28, "Subscriptions"), by its request's id."""

    request_id: RequestId
    uris: tuple[str, ...]

    @property
    def meta(self) -> Mapping[str, Any]:
        """What stands in everything that is sent."""
        return {protocol.SUBSCRIPTION_META_KEY: self.request_id}

    def acknowledged(self, kinds: frozenset[str], uris: list[str]) -> bytes:
        """What is sent first: which wishes are met."""
        met: dict[str, Any] = {kind: True for kind in CHANGES if kind in kinds}
        if uris:
            met["resourceSubscriptions"] = uris
        return encode_notification(protocol.ACKNOWLEDGED, {"notifications": met, "_meta": self.meta})

    def ended(self) -> bytes:
        """What is sent last."""
        return encode_result(self.request_id, complete({"_meta": self.meta}, is_modern=True))


def read_wishes(params: Mapping[str, Any]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The kinds of changes and the resources that a client listens to, of what there is. Raises Refusal."""
    wishes = object_param(params, "notifications")
    raw: Any = wishes.get("resourceSubscriptions") or []
    named = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    uris = [uri for uri in named if isinstance(uri, str)]
    if not isinstance(raw, list) or len(uris) < len(named):
        raise Refusal(INVALID_PARAMS, "Invalid params: resourceSubscriptions must be a list of strings")
    distinct = tuple(dict.fromkeys(uris))
    if len(distinct) > MOST_OF_CLIENT:
        message = f"Invalid params: resourceSubscriptions must not have more than {MOST_OF_CLIENT} URIs"
        raise Refusal(INVALID_PARAMS, message)
    return frozenset(kind for kind in CHANGES if wishes.get(kind) is True), distinct


def subscription(
    listener: Listener, watching: Watching, request_id: RequestId, params: Mapping[str, Any]
) -> Stream:
    """The stream of `subscriptions/listen`. Raises Refusal."""
    kinds, uris = read_wishes(params)
    return Stream(listener, kinds, watching, Subscription(request_id, uris))


def look_again(observe: Callable[[], Any], see: Callable[[Services], Awaitable[Seen]]) -> Look:
    """How a stream looks: with the services of the moment, as whoever the client says that it is."""

    async def look() -> Seen | None:
        try:
            with observe() as services:
                return None if services.ending.is_set() else await see(services)
        except (RequestError, Refusal):  # the key is gone, or may not see the server any more
            return None

    return look
