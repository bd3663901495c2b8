"""Finds out which era a server speaks, and begins a session.

Above: `gateway.hub.connection`. Below: a `Peer`. Refuses to know: transports, what the session is for.
"""

from __future__ import annotations

from typing import Any, cast

import anyio

from gateway.hub.peer import JsonObject, Peer, PeerError, RequestFault, RpcError, Unreachable
from gateway.hub.protocol import (
    HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_VERSION,
    UNSUPPORTED_VERSION,
)
from gateway.hub.session import CLIENT_INFO, ENVELOPE, Era, Session

_LONGEST_VERSION = 40  # characters of it that are shown


async def negotiate(peer: Peer, *, era: Era | None, head_start: float) -> Session:
    """Find out which era the server speaks, and begin a session. Raises PeerError.

    With `era` "legacy" there is no probe. Otherwise the modern `server/discover` is sent first, and the
    handshake only once that was refused, or has been unanswered for `head_start` seconds: there are servers
    that ignore what they do not know. Whichever is answered well first, decides. There is no deadline here.
    """
    if era == "legacy":
        return await _initialize(peer)
    return await _Negotiation(peer, head_start).run()


class _Negotiation:
    def __init__(self, peer: Peer, head_start: float) -> None:
        self._peer = peer
        self._head_start = head_start
        self._refused = anyio.Event()
        self._outcome: Session | PeerError | None = None

    async def run(self) -> Session:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._probe, tasks.cancel_scope)
            tasks.start_soon(self._shake_hands, tasks.cancel_scope)
        if isinstance(self._outcome, PeerError):
            raise self._outcome
        assert self._outcome is not None  # noqa: S101 - the group ends when one of its tasks has set it
        self._peer.speak(self._outcome.version)
        return self._outcome

    async def _probe(self, scope: anyio.CancelScope) -> None:
        try:
            self._settle(await _discover(self._peer), scope)
        except (RpcError, RequestFault) as refusal:
            if isinstance(refusal, Unreachable):  # an outage says nothing about the era
                self._settle(refusal, scope)
            self._refused.set()
        except PeerError as problem:
            self._settle(problem, scope)

    async def _shake_hands(self, scope: anyio.CancelScope) -> None:
        with anyio.move_on_after(self._head_start):
            await self._refused.wait()
        try:
            self._settle(await _initialize(self._peer), scope)
        except RpcError as refusal:
            # A slow modern server refuses the handshake because it has taken the probe, and answers that next.
            with anyio.move_on_after(self._head_start):
                await self._refused.wait()
            self._settle(refusal, scope)
        except PeerError as problem:
            self._settle(problem, scope)

    def _settle(self, outcome: Session | PeerError, scope: anyio.CancelScope) -> None:
        if self._outcome is None:
            self._outcome = outcome
        scope.cancel()


async def _discover(peer: Peer) -> Session:
    """The modern probe (2026-07-28, "Discovery"). Raises RpcError when the server is not modern."""
    peer.speak(MODERN_VERSION)
    try:
        result = await peer.request("server/discover", {"_meta": ENVELOPE})
    except RpcError as refusal:
        if not _offers_it_all_the_same(refusal):
            raise
        result = await peer.request("server/discover", {"_meta": ENVELOPE})
    supported: Any = result.get("supportedVersions")
    if not isinstance(supported, list) or MODERN_VERSION not in supported:
        raise RequestFault(f"the server does not offer MCP {MODERN_VERSION}")
    return Session(peer, MODERN_VERSION, result)


def _offers_it_all_the_same(refusal: RpcError) -> bool:
    """Whether a version was refused, and offered with the refusal: asking once more is then in order.

    See 2026-07-28, "Protocol version negotiation".
    """
    if refusal.code != UNSUPPORTED_VERSION or not isinstance(refusal.data, dict):
        return False
    supported: Any = cast("JsonObject", refusal.data).get("supported")
    return isinstance(supported, list) and MODERN_VERSION in supported


async def _initialize(peer: Peer) -> Session:
    """The legacy handshake (2025-11-25, "Lifecycle")."""
    peer.speak("")
    params = {"protocolVersion": LATEST_HANDSHAKE_VERSION, "capabilities": {}, "clientInfo": CLIENT_INFO}
    result = await peer.request("initialize", params)
    version: Any = result.get("protocolVersion")
    if version not in HANDSHAKE_VERSIONS:
        raise RequestFault(
            f"the server speaks MCP {str(version)[:_LONGEST_VERSION]!r}, which this gateway does not"
        )
    peer.speak(version)
    await peer.notify("notifications/initialized")
    return Session(peer, version, result)
