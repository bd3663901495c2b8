"""Which of the tools on offer a clause asks for: a count of shared words, nothing more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.phrases import Phrase, words_in

_SYNONYMS: Mapping[str, frozenset[str]] = {
    "time": frozenset({"time", "clock", "date", "hour", "day", "today", "now"}),
    "calculate": frozenset({"calculate", "calculator", "calc", "compute", "add", "multiply", "evaluate", "math"}),
    "read": frozenset({"read", "show", "open", "cat", "print", "view"}),
    "list": frozenset({"list", "which", "all", "ls"}),
    "write": frozenset({"write", "save", "store", "create", "put", "remember"}),
    "delete": frozenset({"delete", "remove", "erase"}),
    "edit": frozenset({"edit", "change", "replace"}),
    "fetch": frozenset({"fetch", "download", "get", "browse", "load", "visit"}),
    "search": frozenset({"search", "find", "grep", "look"}),
    "run": frozenset({"run", "execute"}),
    "directory": frozenset({"directory", "folder", "dir", "file"}),
    "note": frozenset({"note", "memo"}),
    "echo": frozenset({"echo", "repeat", "say"}),
    "send": frozenset({"send", "mail", "email", "post"}),
}
_EMPTY = frozenset({"get", "current", "the", "a", "of", "to", "for", "tool", "text", "do", "in", "my", "is"})
"""Words in names of tools that say too little to count alone."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A function as the request offers it."""

    name: str
    parameters: Mapping[str, Any]


def offered_tools(request: Mapping[str, Any]) -> list[OfferedTool]:
    """The functions in a chat completion request; what is malformed is left out."""
    functions = [as_object(as_object(tool).get("function")) for tool in as_list(request.get("tools"))]
    return [
        OfferedTool(function["name"], as_object(function.get("parameters")))
        for function in functions
        if isinstance(function.get("name"), str)
    ]


def choose(phrase: Phrase, tools: Sequence[OfferedTool]) -> OfferedTool | None:
    """The tool that shares most with the clause; the first of equals; None when none shares a telling word."""
    hints = _hints(phrase)
    scored = [(_score(tool, phrase, hints), tool) for tool in tools]
    best = max((score for score, _ in scored), default=0.0)
    return next((tool for score, tool in scored if score == best), None) if best > 0 else None


def _score(tool: OfferedTool, phrase: Phrase, hints: frozenset[str]) -> float:
    if tool.name in phrase.text:
        return 100.0
    server, _, own = tool.name.rpartition("__")
    if len(own) > 3 and own in phrase.text.split():
        return 50.0
    words = words_in(own)
    telling = [word for word in words if word not in _EMPTY]
    matched = [word for word in telling if _means(word, phrase.words, hints)]
    if not matched:
        return 0.0
    of_server = sum(word in phrase.words for word in words_in(server))
    return len(matched) + len(matched) / len(telling) + 0.1 * of_server


def _means(word: str, said: frozenset[str], hints: frozenset[str]) -> bool:
    return word in said or word in hints or bool(_SYNONYMS.get(word, frozenset()) & said)


def _hints(phrase: Phrase) -> frozenset[str]:
    """Words that a clause implies by what is in it."""
    hints: set[str] = set()
    if phrase.urls:
        hints |= {"url", "fetch", "web", "page", "http"}
    if phrase.paths:
        hints |= {"file", "path"}
    if phrase.sums:
        hints |= {"calculate", "calculator", "expression", "math", "sum"}
    return frozenset(hints)
