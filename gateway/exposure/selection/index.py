"""A ranking of tools by words: BM25 over their names, titles, descriptions and arguments, each with its weight.

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), the form for documents of
several fields, with two changes. How long a tool's texts are is held against a fixed length, not the mean of all.
And how rare a word is, is counted for each query anew, among the tools that the asker may see: a hidden tool
changes no score, so that no order of results tells of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, cast

from gateway.exposure.selection.words import ALIKE, words_in
from gateway.hub import CatalogueTool

LONGEST_QUERY = 400
"""Characters of a query that are looked at."""

_MOST_WORDS = 24  # of a query
_LONGEST_TEXT = 2000  # characters of one text of a tool: nobody is found for more words than others may have
_MOST_ARGUMENTS = 64

_NAME, _SERVER, _TITLE, _DESCRIPTION, _ARGUMENT, _ABOUT_ARGUMENT = 4.0, 2.0, 2.0, 1.0, 0.8, 0.3
_SATURATION = 1.2  # k1
_LENGTH_MATTERS = 0.4  # b
_USUAL_LENGTH = 40.0  # weighted words
_ALIKE_COUNTS = 0.35


@dataclass(frozen=True, slots=True)
class Found:
    """A tool and how well it fits; scores of two queries cannot be compared."""

    tool: CatalogueTool
    score: float


class ToolIndex:
    """The words of some tools. Immutable once it is built."""

    def __init__(self, tools: Iterable[CatalogueTool]) -> None:
        self._postings: defaultdict[str, list[tuple[CatalogueTool, float]]] = defaultdict(list)
        for tool in tools:
            for word, weight in _impacts(tool).items():
                self._postings[word].append((tool, weight))

    def rank(self, query: str, visible: Collection[str]) -> Sequence[Found]:
        """The tools among `visible` (qualified names) that have a word of the query, the best ones first."""
        wanted = dict.fromkeys(words_in(query[:LONGEST_QUERY]))
        scores: defaultdict[str, float] = defaultdict(float)
        tools: dict[str, CatalogueTool] = {}
        for word in list(wanted)[:_MOST_WORDS]:
            for tool, score in self._scores(word, visible):
                scores[tool.qualified] += score
                tools[tool.qualified] = tool
        order = sorted(scores, key=lambda name: (-scores[name], name))
        return [Found(tools[name], scores[name]) for name in order]

    def _scores(self, word: str, visible: Collection[str]) -> Iterable[tuple[CatalogueTool, float]]:
        """What the word gives to each tool, by itself or by a word that may mean the same: the better of these."""
        best: dict[str, tuple[CatalogueTool, float]] = {}
        for variant, counts in _variants(word):
            seen = [posting for posting in self._postings.get(variant, ()) if posting[0].qualified in visible]
            rarity = log(1 + (len(visible) - len(seen) + 0.5) / (len(seen) + 0.5))
            for tool, impact in seen:
                score = counts * rarity * impact
                if tool.qualified not in best or best[tool.qualified][1] < score:
                    best[tool.qualified] = (tool, score)
        return best.values()


def _variants(word: str) -> Iterator[tuple[str, float]]:
    yield word, 1.0
    for other in sorted(ALIKE.get(word, ())):
        yield other, _ALIKE_COUNTS


def _impacts(tool: CatalogueTool) -> Mapping[str, float]:
    """What each of the tool's words counts, from 0 to almost 1."""
    weights: defaultdict[str, float] = defaultdict(float)
    for text, weight in _texts(tool):
        for word in words_in(text[:_LONGEST_TEXT]):
            weights[word] += weight
    length = sum(weights.values()) / _USUAL_LENGTH
    damping = _SATURATION * (1 - _LENGTH_MATTERS + _LENGTH_MATTERS * length)
    return {word: weight / (weight + damping) for word, weight in weights.items()}


def _texts(tool: CatalogueTool) -> Iterator[tuple[str, float]]:
    yield tool.name, _NAME
    yield tool.server, _SERVER
    yield tool.title or "", _TITLE
    yield tool.description, _DESCRIPTION
    properties = tool.input_schema.get("properties")
    if not isinstance(properties, Mapping):
        return
    for name, about in list(cast("Mapping[str, Any]", properties).items())[:_MOST_ARGUMENTS]:
        yield name, _ARGUMENT
        described = cast("Mapping[str, Any]", about).get("description") if isinstance(about, Mapping) else None
        yield described if isinstance(described, str) else "", _ABOUT_ARGUMENT
