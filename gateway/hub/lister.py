"""Lists what a server offers: on every connect, when told of a change, and now and then.

Above: `gateway.hub.connection`. Below: a `Session`. Refuses to know: transports, other servers.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio
import anyio.to_thread

from gateway.hub.catalogue import Listing, read_listing
from gateway.hub.entries import EntryKind
from gateway.hub.locking import Unverified, Verifier
from gateway.hub.peer import PeerClosed, PeerError, RpcError, Unreachable
from gateway.hub.protocol import ACKNOWLEDGED, METHOD_NOT_FOUND
from gateway.hub.session import Session
from gateway.hub.specs import HubSettings
from tool_policies.lockfile import Source

_log = logging.getLogger(__name__)

_COALESCE = 0.05  # seconds for a burst of change notifications to be over
_RELIST_PAUSE = 0.5  # seconds between two listings, however often the server says that something has changed
_RELIST_SHARE = 4  # and this many times as long as the listing took
_SIDE_PATIENCE = 10.0  # seconds for a list that a server can do without

_EVERY_KIND: tuple[EntryKind, ...] = ("tool", "resource", "template", "prompt")
_STALE: Mapping[str, tuple[EntryKind, ...]] = {
    "notifications/tools/list_changed": ("tool",),
    "notifications/resources/list_changed": ("resource", "template"),
    "notifications/prompts/list_changed": ("prompt",),
    ACKNOWLEDGED: _EVERY_KIND,  # what changed before that was told to nobody
}

SourceFinder = Callable[[], Awaitable[Source | None]]
"""Where a server comes from, as far as that is known now."""


class Lister:
    """The lists of one server, which outlive its sessions. What `verifier` leaves of them goes to `on_listing`."""

    def __init__(
        self,
        name: str,
        settings: HubSettings,
        on_listing: Callable[[Listing], None],
        verifier: Verifier | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._on_listing = on_listing
        self._verifier = verifier or Unverified()
        self._raw: dict[EntryKind, list[Any]] = {}
        self._source: Source | None = None
        self._stale_kinds: set[EntryKind] = set()
        self._stale = anyio.Event()

    def note(self, method: str) -> None:
        """A notification from the server."""
        if kinds := _STALE.get(method):
            self.doubt(*kinds)

    def doubt(self, *kinds: EntryKind) -> None:
        """These lists may have changed; with none named, all of them."""
        self._stale_kinds.update(kinds or _EVERY_KIND)
        self._stale.set()

    async def check_source(self, find_source: SourceFinder) -> None:
        """See where the server comes from, before it is connected to: what is another one offers nothing."""
        self._source = await find_source()
        refused = await self._verifier.verify_source(self._name, self._source)
        if refused is not None:
            self._on_listing(refused)

    async def begin(self, session: Session) -> None:
        """Read every list of a new session. Raises PeerError when its tools cannot be listed."""
        await self._read(session, _EVERY_KIND)

    async def keep(self, session: Session, find_source: SourceFinder) -> None:
        """Read lists again when told of a change, when in doubt, and now and then: notifications get lost."""
        while True:
            with anyio.move_on_after(self._settings.relist_every):
                await self._stale.wait()
            await anyio.sleep(_COALESCE)
            kinds = self._take_stale()
            began = anyio.current_time()
            try:
                with anyio.fail_after(self._settings.connect_timeout):
                    self._source = await find_source()
                    await self._read(session, kinds)
            except Unreachable as problem:
                session.peer.close(problem.message)
            except (PeerError, TimeoutError) as problem:
                why = str(problem) or f"no answer within {self._settings.connect_timeout:g} s"
                _log.warning("%s: could not be listed again: %s", self._name, why)
            await anyio.sleep(max(_RELIST_PAUSE, _RELIST_SHARE * (anyio.current_time() - began)))

    def _take_stale(self) -> Sequence[EntryKind]:
        """What to read now: everything when it is only time to."""
        kinds: Sequence[EntryKind] = [kind for kind in _EVERY_KIND if kind in self._stale_kinds]
        self._stale, self._stale_kinds = anyio.Event(), set()
        return kinds or _EVERY_KIND

    async def _read(self, session: Session, kinds: Sequence[EntryKind]) -> None:
        for kind in kinds:
            if kind == "tool":
                self._raw[kind] = await session.list_entries(kind)
            else:
                await self._read_aside(session, kind)
        # A thread, because a server can make its lists take a second to read.
        listing = await anyio.to_thread.run_sync(self._judge, session)
        self._on_listing(await self._verifier.verify(self._name, self._source, listing))

    async def _read_aside(self, session: Session, kind: EntryKind) -> None:
        """A list whose failure must not cost the tools: the one read before stays."""
        try:
            with anyio.fail_after(_SIDE_PATIENCE):
                self._raw[kind] = await session.list_entries(kind)
        except (PeerClosed, Unreachable):
            raise
        except (PeerError, TimeoutError) as problem:
            if isinstance(problem, RpcError) and problem.code == METHOD_NOT_FOUND:
                # Servers whose resources need no templates may not know that list: nothing is wrong with them.
                self._raw[kind] = []
                return
            why = str(problem) or f"no answer within {_SIDE_PATIENCE:g} s"
            _log.warning("%s: its %ss could not be listed: %s", self._name, kind, why)

    def _judge(self, session: Session) -> Listing:
        tools = self._raw.get("tool", [])
        listing = read_listing(self._name, tools, dict(self._raw), session.about(self._name))
        session.remember_headers({tool.name: tool.definition["inputSchema"] for tool in listing.tools})
        return listing
