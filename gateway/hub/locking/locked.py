"""Holds servers to a lock file: what is not in it does not exist."""

from __future__ import annotations

from collections.abc import Mapping

import anyio.to_thread

from gateway.hub.catalogue import Listing
from gateway.hub.locking.judging import REMEDY_OF_PROGRAMS, OnChange, Rules, all_hidden, judge, judge_source
from gateway.hub.locking.reporting import Reporter
from tool_policies.lockfile import Lockfile, Source


class LockVerifier:
    """`on_change` has the servers for which a change does not simply hide."""

    def __init__(self, lockfile: Lockfile, on_change: Mapping[str, OnChange], reporter: Reporter) -> None:
        self._lockfile = lockfile
        self._on_change = on_change
        self._reporter = reporter

    def basis(self, server: str) -> object:
        """See `Verifier`."""
        return "locked", self._lockfile.servers.get(server), self._on_change.get(server)

    async def verify_source(self, server: str, source: Source | None) -> Listing | None:
        """See `Verifier`."""
        known = self._lockfile.servers.get(server)
        refused = judge_source(known, source, self._rules(server, source)) if known is not None else None
        if refused is not None:
            await self._reporter.tell(server, refused.drift)
        return refused

    async def verify(self, server: str, source: Source | None, listing: Listing) -> Listing:
        """See `Verifier`."""
        judged = await anyio.to_thread.run_sync(self._judge, server, source, listing)
        await self._reporter.tell(server, judged.drift)
        return judged

    def _judge(self, server: str, source: Source | None, listing: Listing) -> Listing:
        rules = self._rules(server, source)
        known = self._lockfile.servers.get(server)
        if known is not None:
            return judge(known, source, listing, rules)
        if rules.on_change == "accept":
            return listing
        return Listing(bad=listing.bad, drift=(all_hidden("unlocked", "it is not in tools.lock", rules),))

    def _rules(self, server: str, source: Source | None) -> Rules:
        review = f"review it with `toolgate lock diff {server}`, accept it with `toolgate lock {server}`"
        remedy = review if source else REMEDY_OF_PROGRAMS
        return Rules(self._on_change.get(server, "hide"), "locked", remedy)
