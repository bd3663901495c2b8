"""What the search is compared with: simpler rankings of the same tools.

Both look at all of a tool's texts as one. Neither knows endings of words, words that are alike, or fields.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log

from bench.selection.catalogue import Tool

Ranking = Callable[[str], Sequence[str]]
"""The tools (`server/tool`) for a query, the best ones first."""

_SATURATION, _LENGTH_MATTERS = 1.5, 0.75  # the usual choices


def by_keywords(tools: Sequence[Tool]) -> Ranking:
    """By how many of the query's words a tool's text contains, as parts of words too; the shorter text first."""
    texts = {tool.read.qualified: _text(tool).lower() for tool in tools}

    def rank(query: str) -> Sequence[str]:
        words = set(_words(query))
        hits = {name: sum(word in text for word in words) for name, text in texts.items()}
        return sorted(hits, key=lambda name: (-hits[name], len(texts[name]), name))

    return rank


def by_plain_bm25(tools: Sequence[Tool]) -> Ranking:
    """By BM25 over the words of a tool's text."""
    counts = {tool.read.qualified: Counter(_words(_text(tool))) for tool in tools}
    lengths = {name: sum(words.values()) for name, words in counts.items()}
    usual = sum(lengths.values()) / len(lengths)
    seen_in = Counter(word for words in counts.values() for word in words)

    def score(name: str, word: str) -> float:
        times = counts[name][word]
        rarity = log(1 + (len(counts) - seen_in[word] + 0.5) / (seen_in[word] + 0.5))
        damping = _SATURATION * (1 - _LENGTH_MATTERS + _LENGTH_MATTERS * lengths[name] / usual)
        return rarity * times * (_SATURATION + 1) / (times + damping)

    def rank(query: str) -> Sequence[str]:
        scores = {name: sum(score(name, word) for word in set(_words(query))) for name in counts}
        return sorted(scores, key=lambda name: (-scores[name], name))

    return rank


def _text(tool: Tool) -> str:
    read = tool.read
    arguments = read.input_schema["properties"].items()
    about = " ".join(f"{name} {described['description']}" for name, described in arguments)
    return f"{read.server} {read.name} {read.title or ''} {read.description} {about}"


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
