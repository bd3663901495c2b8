"""One MCP session: which era the server speaks, what it lists, requests to it.

Above: `gateway.hub.connection`. Below: a `Peer`. Refuses to know: transports, reconnecting.

Two eras are spoken. *Modern* (2026-07-28) has no handshake: each request carries version and capabilities in
its `_meta`. *Legacy* (2024-11-05 to 2025-11-25) begins with `initialize`. Requests are raw JSON on purpose:
typed results fail whole over one odd field, after the call has been executed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version as package_version
from typing import Any, Literal, NamedTuple, cast

import anyio
import orjson

from gateway.hub.argument_headers import HeaderMap, argument_headers, header_map
from gateway.hub.entries import EntryKind
from gateway.hub.jsonrpc import object_in, without
from gateway.hub.offers import AboutServer
from gateway.hub.peer import (
    JsonObject,
    Peer,
    RequestFault,
    RpcError,
)
from gateway.hub.protocol import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVELS,
    MODERN_VERSION,
    SERVER_INFO_META_KEY,
    VERSION_META_KEY,
)
from gateway.hub.requests import Request

_log = logging.getLogger(__name__)

Era = Literal["modern", "legacy"]

CLIENT_INFO = {"name": "toolgate", "version": package_version("toolgate")}
ENVELOPE: JsonObject = {
    VERSION_META_KEY: MODERN_VERSION,
    CLIENT_INFO_META_KEY: CLIENT_INFO,
    CLIENT_CAPABILITIES_META_KEY: {},
}
_MOST_PAGES = 50
_MOST_ENTRIES = 5000
_LARGEST_LIST = 8 * 1024 * 1024  # bytes of JSON in all pages; the page that goes beyond is the last
_LONGEST_INSTRUCTIONS = 16 * 1024  # characters of them that are kept
_RELISTEN_AFTER = 1.0  # seconds
_LEVEL_PATIENCE = 5.0  # seconds for a server to take a level of logging: a call waits for that


class _Listed(NamedTuple):
    capability: str
    method: str
    key: str


_LISTED: Mapping[EntryKind, _Listed] = {
    "tool": _Listed("tools", "tools/list", "tools"),
    "resource": _Listed("resources", "resources/list", "resources"),
    "template": _Listed("resources", "resources/templates/list", "resourceTemplates"),
    "prompt": _Listed("prompts", "prompts/list", "prompts"),
}
_CHANGES = {"tools": "toolsListChanged", "resources": "resourcesListChanged", "prompts": "promptsListChanged"}


class Session:
    """A negotiated session. Made by `gateway.hub.negotiation`; `about` is what the server said of itself."""

    def __init__(self, peer: Peer, version: str, greeting: JsonObject) -> None:
        self.peer = peer
        self.version = version
        self.era: Era = "modern" if version == MODERN_VERSION else "legacy"
        self.capabilities = object_in(greeting, "capabilities")
        self._greeting = greeting
        self._header_maps: dict[str, HeaderMap] = {}
        self._log_rank = len(LOG_LEVELS)  # the level that an older server was told, of `LOG_LEVELS`

    def about(self, server: str) -> AboutServer:
        """What this server, whose name is `server` here, says of itself."""
        instructions: Any = self._greeting.get("instructions")
        stamp = object_in(object_in(self._greeting, "_meta"), SERVER_INFO_META_KEY)
        return AboutServer(
            server,
            self.version,
            self.capabilities,
            instructions[:_LONGEST_INSTRUCTIONS] if isinstance(instructions, str) and instructions else None,
            stamp or object_in(self._greeting, "serverInfo"),
        )

    async def list_entries(self, kind: EntryKind) -> list[Any]:
        """The raw entries of all pages of a list, in the server's order; none when it offers no such thing.

        Raises PeerError.
        """
        entries: list[Any] = []
        cursors: set[str] = set()
        cursor: Any = None
        size = 0
        listed = _LISTED[kind]
        offered = listed.capability in self.capabilities
        while offered and len(cursors) < _MOST_PAGES and len(entries) < _MOST_ENTRIES:
            page = await self._ask(listed.method, {"cursor": cursor} if cursor else {})
            found: Any = page.get(listed.key)
            entries.extend(cast("list[Any]", found)[:_MOST_ENTRIES] if isinstance(found, list) else [])
            size += _size(found)
            if size > _LARGEST_LIST:
                _log.warning("a server's list is cut after %d %ss: it is too large", len(entries), kind)
                break
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str) or not cursor or cursor in cursors:
                break
            cursors.add(cursor)
        return entries[:_MOST_ENTRIES]

    def remember_headers(self, tools: Mapping[str, JsonObject]) -> None:
        """Take from the schemas, by tool name, which arguments go into headers (2026-07-28, "Custom headers")."""
        maps = {name: header_map(schema) for name, schema in tools.items()} if self.era == "modern" else {}
        self._header_maps = {name: found for name, found in maps.items() if found}

    async def request(self, request: Request) -> JsonObject:
        """The raw result of a request. Raises PeerError; cancelling tells the server."""
        if request.meanwhile.on_log is not None:
            request = await self._with_logs(request)
        meta = {**request.own_meta(), **request.caller.trace_meta()}
        if self.era == "modern":
            meta |= {**ENVELOPE, **request.caller.meta()}
        params = {**request.params, "_meta": meta} if meta else without(request.params, "_meta")
        headers = self._argument_headers(request.params) if request.method == "tools/call" else None
        return await self.peer.request(
            request.method,
            params,
            meanwhile=request.meanwhile,
            headers=headers,
            authorizer=request.authorizer,
        )

    async def _with_logs(self, request: Request) -> Request:
        """The request, whose log messages the server sends; or without that, where they could be anybody's.

        An older server is told of a level once for the session: it is lowered to what anybody wants, and never
        raised again.
        """
        level = request.caller.log_level
        if level is None or not self.peer.hears_logs():
            return replace(
                request,
                caller=replace(request.caller, log_level=None),
                meanwhile=replace(request.meanwhile, on_log=None),
            )
        rank = LOG_LEVELS.index(level)
        if self.era == "legacy" and rank < self._log_rank and "logging" in self.capabilities:
            self._log_rank = rank
            try:
                with anyio.move_on_after(_LEVEL_PATIENCE):
                    await self.peer.request("logging/setLevel", {"level": level})
            except (RpcError, RequestFault) as problem:
                _log.debug("a server keeps its level of logging: %s", problem.message)
        return request

    def _argument_headers(self, params: JsonObject) -> dict[str, str] | None:
        mapped = self._header_maps.get(params.get("name", ""))
        return argument_headers(mapped, params.get("arguments") or {}) if mapped else None

    async def follow_changes(self, on_open: Callable[[], None]) -> None:
        """Keep notifications of changes coming; returns when this server has none to give.

        `on_open` is told when from now on none is missed, as far as that can be known.
        """
        if self.era == "legacy":
            await self.peer.follow(on_open)
            return
        on_open()
        wanted = {name: True for capability, name in _CHANGES.items() if capability in self.capabilities}
        while wanted:
            try:
                await self._ask("subscriptions/listen", {"notifications": wanted})
            except RpcError as refusal:
                _log.debug("no subscription: %s", refusal.message)
                return
            except RequestFault as fault:
                _log.debug("a subscription broke: %s", fault.message)
            await anyio.sleep(_RELISTEN_AFTER)

    async def _ask(self, method: str, params: JsonObject) -> JsonObject:
        """A request of the gateway's own."""
        return await self.request(Request(method, params, math.inf))


def _size(entries: Any) -> int:
    """How many bytes of JSON they are; what is nested too deep to be written counts as too many."""
    try:
        return len(orjson.dumps(entries))
    except TypeError:
        return _LARGEST_LIST + 1
