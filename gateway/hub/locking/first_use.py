"""Trust on first use, where there is no lock file: each tool and prompt is held to what it was first seen as.

A server that the configuration has come to take from elsewhere is seen for the first time again: that was the
operator's doing. The same configuration bringing another version is not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import anyio.to_thread

from gateway.errors import StoreError
from gateway.hub.catalogue import CatalogueTool, Listing
from gateway.hub.locking.judging import REMEDY_OF_PROGRAMS, OnChange, Rules, judge, judge_source
from gateway.hub.locking.reporting import Reporter
from gateway.hub.offers import CataloguePrompt
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source, Uncanonical

_log = logging.getLogger(__name__)

_REMEDY = "`toolgate lock` writes down what the servers offer now, for you to review, and holds them to that"


class FirstSights(Protocol):
    """Where sightings last. Raises StoreError."""

    async def add(self, server: str, seen: LockedServer) -> LockedServer:
        """Keep what was not seen before; what is kept of the server then. Another `asked` begins anew."""
        ...


class FirstUseVerifier:
    """`known` is what was kept. What cannot be kept holds for as long as this process runs."""

    def __init__(
        self, known: Lockfile, sights: FirstSights, on_change: Mapping[str, OnChange], reporter: Reporter
    ) -> None:
        self._known = dict(known.servers)
        self._sights = sights
        self._on_change = on_change
        self._reporter = reporter

    def basis(self, server: str) -> object:
        """See `Verifier`: what was seen is kept for all of them in one place."""
        return "first seen", self._on_change.get(server)

    async def verify_source(self, server: str, source: Source | None) -> Listing | None:
        """See `Verifier`."""
        known = self._known.get(server)
        if known is None or not is_same_request(known.source, source):
            return None
        refused = judge_source(known, source, self._rules(server, source))
        if refused is not None:
            await self._reporter.tell(server, refused.drift)
        return refused

    async def verify(self, server: str, source: Source | None, listing: Listing) -> Listing:
        """See `Verifier`."""
        known = self._known.get(server)
        if known is None or not is_same_request(known.source, source):
            known = LockedServer.of(source, [], listing.about.instructions if listing.about else None)
        rules = self._rules(server, source)
        judged = await anyio.to_thread.run_sync(judge, known, source, listing, rules)
        seen = replace(known, source=_learned(known.source, source))
        is_new = server not in self._known or seen != known
        if is_new or _has_more(judged, known):
            known = await self._keep(server, seen, judged)
            judged = await anyio.to_thread.run_sync(judge, known, source, listing, rules)
        self._known[server] = known
        await self._reporter.tell(server, judged.drift)
        return judged

    def _rules(self, server: str, source: Source | None) -> Rules:
        remedy = _REMEDY if source else REMEDY_OF_PROGRAMS
        return Rules(self._on_change.get(server, "hide"), "first seen", remedy, takes_added=True)

    async def _keep(self, server: str, known: LockedServer, judged: Listing) -> LockedServer:
        """With all that is seen for the first time; another gateway may have seen some of it before."""
        seen = await anyio.to_thread.run_sync(_with, known, judged)
        try:
            return await self._sights.add(server, seen)
        except StoreError as error:
            _log.warning("%s: its tools are held to what they are now until a restart only: %s", server, error)
            return seen


def is_same_request(known: Source | None, found: Source | None) -> bool:
    """Whether the configuration asks for the same as before."""
    if known is None or found is None:
        return known is found
    return (known.kind, known.asked) == (found.kind, found.asked)


def _learned(known: Source | None, found: Source | None) -> Source | None:
    """What is known of a source, with what only now came to be known of the same."""
    is_more = known is not None and found is not None and known.admits(found)
    return known.completed(found) if known is not None and found is not None and is_more else known


def _has_more(judged: Listing, known: LockedServer) -> bool:
    """Whether something is on offer that was not there before."""
    names = {one.name for one in judged.prompts}
    more_prompts = names - (known.prompts.keys() if known.prompts is not None else set())
    return bool(more_prompts) or any(one.name not in known.tools for one in judged.tools)


def _with(known: LockedServer, judged: Listing) -> LockedServer:
    tools = _together(known.tools, judged.tools)
    prompts = _together(known.prompts or {}, judged.prompts)
    return LockedServer.of(known.source, tools, known.instructions, prompts)


def _together(
    known: Mapping[str, LockedTool], listed: Sequence[CatalogueTool | CataloguePrompt]
) -> Iterator[LockedTool]:
    yield from known.values()
    for entry in listed:
        if entry.name not in known:
            with suppress(Uncanonical):  # it is hidden by whoever judges it
                yield LockedTool.of(entry.definition)
