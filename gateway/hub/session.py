"""One MCP session: which era the server speaks, what it lists, calls of its tools.

Above: `gateway.hub.connection`. Below: a `Peer`. Refuses to know: transports, reconnecting.

Two eras are spoken. *Modern* (2026-07-28) has no handshake: each request carries version and capabilities in
its `_meta`. *Legacy* (2024-11-05 to 2025-11-25) begins with `initialize`. Requests are raw JSON on purpose:
typed results fail whole over one odd field, after the call has been executed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any, Literal, cast

import anyio
import orjson

from gateway.hub.argument_headers import HeaderMap, argument_headers, header_map
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.peer import (
    JsonObject,
    Peer,
    PeerError,
    RequestFault,
    RpcError,
    Unreachable,
)
from gateway.hub.protocol import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    HANDSHAKE_VERSIONS,
    LATEST_HANDSHAKE_VERSION,
    MODERN_VERSION,
    VERSION_META_KEY,
)
from gateway.hub.results import ProgressListener

_log = logging.getLogger(__name__)

Era = Literal["modern", "legacy"]

_CLIENT_INFO = {"name": "toolgate", "version": package_version("toolgate")}
_ENVELOPE: JsonObject = {
    VERSION_META_KEY: MODERN_VERSION,
    CLIENT_INFO_META_KEY: _CLIENT_INFO,
    CLIENT_CAPABILITIES_META_KEY: {},
}
_MOST_PAGES = 50
_MOST_TOOLS = 5000
_LARGEST_LIST = 8 * 1024 * 1024  # bytes of JSON in all pages; the page that goes beyond is the last
_LONGEST_VERSION = 40  # characters of it that are shown
_RELISTEN_AFTER = 1.0  # seconds


class Session:
    """A negotiated session. Made by `negotiate`."""

    def __init__(self, peer: Peer, version: str, capabilities: JsonObject) -> None:
        self.peer = peer
        self.version = version
        self.era: Era = "modern" if version == MODERN_VERSION else "legacy"
        self._offers_tools = "tools" in capabilities
        self._header_maps: dict[str, HeaderMap] = {}

    async def list_tools(self) -> list[Any]:
        """The raw entries of all pages of `tools/list`, in the server's order. Raises PeerError."""
        tools: list[Any] = []
        cursors: set[str] = set()
        cursor: Any = None
        size = 0
        while self._offers_tools and len(cursors) < _MOST_PAGES and len(tools) < _MOST_TOOLS:
            page = await self._request("tools/list", {"cursor": cursor} if cursor else {})
            entries: Any = page.get("tools")
            tools.extend(cast("list[Any]", entries)[:_MOST_TOOLS] if isinstance(entries, list) else [])
            size += _size(entries)
            if size > _LARGEST_LIST:
                _log.warning("a server's list of tools is cut after %d tools: it is too large", len(tools))
                break
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or not cursor or cursor in cursors:
                break
            cursors.add(cursor)
        return tools[:_MOST_TOOLS]

    def remember_headers(self, tools: Mapping[str, JsonObject]) -> None:
        """Take from the schemas, by tool name, which arguments go into headers (2026-07-28, "Custom headers")."""
        maps = {name: header_map(schema) for name, schema in tools.items()} if self.era == "modern" else {}
        self._header_maps = {name: found for name, found in maps.items() if found}

    async def call_tool(
        self,
        name: str,
        arguments: JsonObject,
        on_progress: ProgressListener | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        """The raw result of `tools/call`. Raises PeerError; cancelling tells the server."""
        mapped = self._header_maps.get(name)
        headers = argument_headers(mapped, arguments) if mapped else None
        return await self._request(
            "tools/call", {"name": name, "arguments": arguments}, on_progress, headers, authorizer
        )

    async def follow_changes(self) -> None:
        """Keep notifications of changes coming; returns when this server has none to give."""
        if self.era == "legacy":
            await self.peer.follow()
            return
        while True:
            try:
                await self._request("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
            except RpcError as refusal:
                _log.debug("no subscription: %s", refusal.message)
                return
            except RequestFault as fault:
                _log.debug("a subscription broke: %s", fault.message)
            await anyio.sleep(_RELISTEN_AFTER)

    async def _request(
        self,
        method: str,
        params: JsonObject,
        on_progress: ProgressListener | None = None,
        headers: Mapping[str, str] | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        if self.era == "modern":
            params = {**params, "_meta": _ENVELOPE}
        return await self.peer.request(
            method, params, on_progress=on_progress, headers=headers, authorizer=authorizer
        )


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
    result = await peer.request("server/discover", {"_meta": _ENVELOPE})
    supported: Any = result.get("supportedVersions")
    if not isinstance(supported, list) or MODERN_VERSION not in supported:
        raise RequestFault(f"the server does not offer MCP {MODERN_VERSION}")
    return Session(peer, MODERN_VERSION, _capabilities(result))


async def _initialize(peer: Peer) -> Session:
    """The legacy handshake (2025-11-25, "Lifecycle")."""
    peer.speak("")
    params = {"protocolVersion": LATEST_HANDSHAKE_VERSION, "capabilities": {}, "clientInfo": _CLIENT_INFO}
    result = await peer.request("initialize", params)
    version: Any = result.get("protocolVersion")
    if version not in HANDSHAKE_VERSIONS:
        raise RequestFault(
            f"the server speaks MCP {str(version)[:_LONGEST_VERSION]!r}, which this gateway does not"
        )
    peer.speak(version)
    await peer.notify("notifications/initialized")
    return Session(peer, version, _capabilities(result))


def _size(entries: Any) -> int:
    """How many bytes of JSON they are; what is nested too deep to be written counts as too many."""
    try:
        return len(orjson.dumps(entries))
    except TypeError:
        return _LARGEST_LIST + 1


def _capabilities(result: JsonObject) -> JsonObject:
    capabilities: Any = result.get("capabilities")
    return cast("JsonObject", capabilities) if isinstance(capabilities, dict) else {}
