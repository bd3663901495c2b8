"""One listing beside what is known of its server: which tools are on offer, in which words.

Pure, and for long listings slow: to be done in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.hub.catalogue import CatalogueTool, Listing, read_listing
from gateway.hub.drift import Drift, DriftKind
from gateway.hub.offers import AboutServer
from gateway.telemetry.visible import one_line
from tool_policies.lockfile import ChangeKind, LockedServer, LockedTool, Source, Uncanonical, kind_of_change

OnChange = Literal["hide", "serve_locked", "accept"]
"""What becomes of a tool that has changed. `serve_locked` holds for changes of words, others hide the tool all the
same; `accept` is for servers that are just being written.
"""

REMEDY_OF_PROGRAMS = 'the program that registers this server accepts it: with `lock()`, or on_change="accept"'
"""How to accept what is new of a server that comes from nowhere: it is an object of this process."""

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
    tools: list[CatalogueTool] = []
    drift: list[Drift] = []
    about, words = _judge_instructions(known.instructions, listing.about, rules)
    drift.extend([words] if words else [])
    for tool in listing.tools:
        offered, found = _judge_tool(known.tools.get(tool.name), tool, rules)
        tools.extend([offered] if offered else [])
        drift.extend([found] if found else [])
    listed = {tool.name for tool in listing.tools} | {bad.name for bad in listing.bad}
    gone = [
        Drift(name, "removed", "missing", "the server lists it no more") for name in known.tools.keys() - listed
    ]
    in_order = tuple(sorted([*drift, *gone], key=lambda one: one.tool))
    return replace(listing, tools=tuple(tools), about=about, drift=in_order)


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


def _judge_tool(
    known: LockedTool | None, tool: CatalogueTool, rules: Rules
) -> tuple[CatalogueTool | None, Drift | None]:
    try:
        found = LockedTool.of(tool.definition)
    except Uncanonical as problem:
        reason = f"its definition cannot be held to anything: {problem}"
        return None, Drift(tool.name, "definition", "hidden", reason)
    if known is None:
        return _judge_added(tool, found, rules)
    if found.sha256 == known.sha256:
        return tool, None
    return _judge_changed(tool, known, found, rules)


def _judge_added(
    tool: CatalogueTool, found: LockedTool, rules: Rules
) -> tuple[CatalogueTool | None, Drift | None]:
    if rules.takes_added:
        return tool, None
    is_taken = rules.on_change == "accept"
    reason = "it is new" if is_taken else f"it is new; {rules.remedy}"
    drift = Drift(tool.name, "added", "accepted" if is_taken else "hidden", reason, found.sha256)
    return (tool if is_taken else None), drift


def _judge_changed(
    tool: CatalogueTool, known: LockedTool, found: LockedTool, rules: Rules
) -> tuple[CatalogueTool | None, Drift]:
    kind = kind_of_change(known, found)
    if rules.on_change == "accept":
        return tool, Drift(tool.name, kind, "accepted", _WHAT[kind], found.sha256)
    if rules.on_change == "serve_locked" and kind == "description":
        locked = next(iter(read_listing(tool.server, [known.definition]).tools), None)
        if locked is not None:
            reason = f"{_WHAT[kind]}; models are shown the one that was {rules.held_to}"
            return locked, Drift(tool.name, kind, "served_locked", f"{reason}; {rules.remedy}", found.sha256)
    return None, Drift(tool.name, kind, "hidden", f"{_WHAT[kind]}; {rules.remedy}", found.sha256)
