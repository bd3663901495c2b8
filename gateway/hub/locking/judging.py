"""One listing beside what is known of its server: which tools and prompts are on offer, in which words.

Pure, and for long listings slow: to be done in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from gateway.hub.catalogue import CatalogueTool, Listing, read_listing
from gateway.hub.drift import PROMPT, Drift, DriftKind
from gateway.hub.entries import EntryKind
from gateway.hub.offers import AboutServer, CataloguePrompt
from gateway.telemetry.visible import one_line
from tool_policies.lockfile import ChangeKind, LockedServer, LockedTool, Source, Uncanonical, kind_of_change

OnChange = Literal["hide", "serve_locked", "accept"]
"""What becomes of a tool that has changed. `serve_locked` holds for changes of words, others hide the tool all the
same; `accept` is for servers that are just being written.
"""

REMEDY_OF_PROGRAMS = 'the program that registers this server accepts it: with `lock()`, or on_change="accept"'
"""How to accept what is new of a server that comes from nowhere: it is an object of this process."""

EntryT = TypeVar("EntryT", CatalogueTool, CataloguePrompt)

_LONGEST_SOURCE = 300  # characters of it in a reason
_WHAT: dict[ChangeKind, str] = {
    "description": "its description is another one",
    "schema": "its schema is another one",
    "annotations": "its annotations are others",
    "definition": "its definition is another one",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """How to judge a server. `held_to` is "locked" or "first seen"; `remedy` says how to accept what is new."""

    on_change: OnChange
    held_to: str
    remedy: str
    takes_added: bool = False


def judge_source(known: LockedServer, source: Source | None, rules: Rules) -> Listing | None:
    """What is left of a server that comes from elsewhere; None of one that does not."""
    if rules.on_change == "accept" or is_admitted(known.source, source):
        return None
    now, then = (one_line(str(one or "not known"), _LONGEST_SOURCE) for one in (source, known.source))
    reason = f"the server is now {now}; {rules.held_to} is {then}"
    return Listing(drift=(all_hidden("source", reason, rules),))


def is_admitted(known: Source | None, found: Source | None) -> bool:
    """Whether a server that is known to come from `known` may come from `found`."""
    return known == found or (known is not None and found is not None and known.admits(found))


def judge(known: LockedServer, source: Source | None, listing: Listing, rules: Rules) -> Listing:
    """What of `listing` is on offer, with everything that is not as it is known."""
    if refused := judge_source(known, source, rules):
        return replace(refused, bad=listing.bad)
    about, words = _judge_instructions(known.instructions, listing.about, rules)
    tools, changed = _judge_each(known.tools, listing.tools, _left_out(listing, "tool"), rules)
    prompts, altered = listing.prompts, list[Drift]()
    if known.prompts is not None:
        prompts, altered = _judge_each(known.prompts, prompts, _left_out(listing, "prompt"), rules)
    drift = [*([words] if words else []), *changed, *(replace(one, tool=PROMPT + one.tool) for one in altered)]
    in_order = tuple(sorted(drift, key=lambda one: one.tool))
    return replace(listing, tools=tools, prompts=prompts, about=about, drift=in_order)


def _left_out(listing: Listing, kind: EntryKind) -> set[str]:
    return {bad.name for bad in listing.bad if bad.kind == kind}


def _judge_each(
    known: Mapping[str, LockedTool], listed: Sequence[EntryT], left_out: set[str], rules: Rules
) -> tuple[tuple[EntryT, ...], list[Drift]]:
    """Those on offer, and the differences; `left_out` are listed as well, though they cannot be offered."""
    offered: list[EntryT] = []
    drift: list[Drift] = []
    for entry in listed:
        one, found = _judge_entry(known.get(entry.name), entry, rules)
        offered.extend([one] if one else [])
        drift.extend([found] if found else [])
    gone = known.keys() - left_out - {entry.name for entry in listed}
    drift.extend(Drift(name, "removed", "missing", "the server lists it no more") for name in gone)
    return tuple(offered), drift


def _judge_instructions(
    known: str | None, about: AboutServer | None, rules: Rules
) -> tuple[AboutServer | None, Drift | None]:
    """The server's word on how to use it, which clients may hand to their models like a description."""
    if about is None or (about.instructions or None) == known:
        return about, None
    reason = "its instructions are others"
    if rules.on_change == "accept":
        return about, Drift("*", "description", "accepted", reason)
    if rules.on_change == "serve_locked":
        drift = Drift("*", "description", "served_locked", f"{reason}; {rules.remedy}")
        return replace(about, instructions=known), drift
    drift = Drift("*", "description", "hidden", f"{reason}, and are withheld; {rules.remedy}")
    return replace(about, instructions=None), drift


def all_hidden(kind: DriftKind, reason: str, rules: Rules) -> Drift:
    """Why no tool of a server is on offer."""
    return Drift("*", kind, "hidden", f"{reason}; {rules.remedy}")


def _judge_entry(known: LockedTool | None, entry: EntryT, rules: Rules) -> tuple[EntryT | None, Drift | None]:
    try:
        found = LockedTool.of(entry.definition)
    except Uncanonical as problem:
        reason = f"its definition cannot be held to anything: {problem}"
        return None, Drift(entry.name, "definition", "hidden", reason)
    if known is None:
        return _judge_added(entry, found, rules)
    if found.sha256 == known.sha256:
        return entry, None
    return _judge_changed(entry, known, found, rules)


def _judge_added(entry: EntryT, found: LockedTool, rules: Rules) -> tuple[EntryT | None, Drift | None]:
    if rules.takes_added:
        return entry, None
    is_taken = rules.on_change == "accept"
    reason = "it is new" if is_taken else f"it is new; {rules.remedy}"
    drift = Drift(entry.name, "added", "accepted" if is_taken else "hidden", reason, found.sha256)
    return (entry if is_taken else None), drift


def _judge_changed(
    entry: EntryT, known: LockedTool, found: LockedTool, rules: Rules
) -> tuple[EntryT | None, Drift]:
    kind = kind_of_change(known, found)
    if rules.on_change == "accept":
        return entry, Drift(entry.name, kind, "accepted", _WHAT[kind], found.sha256)
    if rules.on_change == "serve_locked" and kind == "description":
        locked = _as_locked(entry, known)
        if locked is not None:
            reason = f"{_WHAT[kind]}; what is shown is the one that was {rules.held_to}"
            return locked, Drift(entry.name, kind, "served_locked", f"{reason}; {rules.remedy}", found.sha256)
    return None, Drift(entry.name, kind, "hidden", f"{_WHAT[kind]}; {rules.remedy}", found.sha256)


def _as_locked(entry: EntryT, known: LockedTool) -> EntryT | None:
    """The same tool or prompt with its definition as it was locked."""
    if isinstance(entry, CataloguePrompt):
        return replace(entry, definition=known.definition)
    return next(iter(read_listing(entry.server, [known.definition]).tools), None)
