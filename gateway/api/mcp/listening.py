"""Streams on which clients are told that what they see has changed: `subscriptions/listen`, and a session's GET.

A stream belongs to no configuration: when that is replaced, it goes on with the next one, if its key is still one.
It is told of nothing but what its own key sees: what changes for others does not stir it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from gateway.api.answer import Answer
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.mcp.exchange import EVENT_HEADERS
from gateway.api.mcp.results import complete
from gateway.api.mcp.surface import Surface
from gateway.api.mcp.wire import (
    Refusal,
    RequestId,
    encode_notification,
    encode_result,
    http_refusal,
    object_param,
)
from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.auth import KeyId
from gateway.errors import RequestError
from gateway.sse import HEARTBEAT, encode_event

SUBSCRIPTION_META_KEY = "io.modelcontextprotocol/subscriptionId"

CHANGES: Mapping[str, str] = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""What can be listened to, and what is sent of it."""

_MOST_OF_KEY = 256
_MOST = 2048

Look = Callable[[], Awaitable[tuple[Services, Surface] | None]]
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
    """One stream. `wanted` are keys of `CHANGES`; `meta` stands in everything that is sent on it.

    `first` and `last` are sent when it begins and when it ends of our own accord.
    """

    listener: Listener
    wanted: frozenset[str]
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])
    first: bytes | None = None
    last: bytes | None = None

    async def run(self, request: Request, answer: Answer) -> None:
        """Send changes until the client leaves, the key is gone, or the gateway stops."""
        look, heartbeat = self.listener.look, self.listener.heartbeat
        with CancelledWhenClientLeaves(request, answer):
            await answer.begin(200, dict(EVENT_HEADERS))
            await answer.write(HEARTBEAT if self.first is None else encode_event(self.first, "message"))
            seen = await look()
            while seen is not None:
                await _stirred(*seen, heartbeat)
                before, seen = seen, await look()
                if seen is not None:
                    await answer.write(self._difference(before[1], seen[1]))
            await answer.write(b"" if self.last is None else encode_event(self.last, "message"), more=False)

    def _difference(self, before: Surface, now: Surface) -> bytes:
        """What is sent of it; where that is nothing, a sign of life."""
        params = {"_meta": self.meta} if self.meta else {}
        kinds = sorted(now.differences(before) & self.wanted)
        events = [encode_event(encode_notification(CHANGES[kind], params), "message") for kind in kinds]
        return b"".join(events) or HEARTBEAT


async def _stirred(services: Services, seen: Surface, seconds: float) -> None:
    """Wait until the catalogue changes or the configuration is retired, and not for longer than `seconds`."""

    async def first(wait: Callable[[], Awaitable[object]]) -> None:
        await wait()
        tasks.cancel_scope.cancel()

    with anyio.move_on_after(seconds):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first, lambda: services.hub.change(seen.catalogue))
            tasks.start_soon(first, services.ending.wait)


def read_wishes(params: Mapping[str, Any]) -> dict[str, Any]:
    """What a client listens to, of what there is (2026-07-28, "Subscriptions"). Raises Refusal."""
    wishes = object_param(params, "notifications")
    return {kind: True for kind in CHANGES if wishes.get(kind) is True}


def subscription(listener: Listener, request_id: RequestId, params: Mapping[str, Any]) -> Stream:
    """The stream of `subscriptions/listen`, which is told first what of its wishes is met. Raises Refusal."""
    meta = {SUBSCRIPTION_META_KEY: request_id}
    wishes = read_wishes(params)
    first = encode_notification(
        "notifications/subscriptions/acknowledged", {"notifications": wishes, "_meta": meta}
    )
    last = encode_result(request_id, complete({"_meta": meta}, is_modern=True))
    return Stream(listener, frozenset(wishes), meta, first, last)


def look_again(observe: Callable[[], Any], see: Callable[[Services], Awaitable[Surface]]) -> Look:
    """How a stream looks: with the services of the moment, as whoever the client says that it is."""

    async def look() -> tuple[Services, Surface] | None:
        try:
            with observe() as services:
                return None if services.ending.is_set() else (services, await see(services))
        except (RequestError, Refusal):  # the key is gone, or may not see the server any more
            return None

    return look
