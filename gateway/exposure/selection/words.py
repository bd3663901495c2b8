"""Texts and names as the words that a search compares: `listPullRequests` is `list`, `pull`, `request`.

Below: nothing. The stemmer takes off the commonest endings of English and no more: both sides of a comparison go
through it, so that what it leaves need not be a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_RUNS = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts that set no spaces between words
_LONGEST_WORD = 40  # characters; what is longer is data, not a word
_LONGEST_RUN = 400

_IDLE_WORDS = """
    a an and any are as at be been being but by can do does for from has have how i if in into is it its me my not
    of on or our please so such tell than that the their them then there these this to use used using want was we
    what when where which who will with you your
"""
_IDLE = frozenset(_IDLE_WORDS.split())
"""Words that say nothing of a tool."""

_ALIKE = (
    "create make add new insert open post write",
    "delete remove destroy drop erase",
    "get fetch read show retrieve view describe lookup find",
    "list enumerate all browse every",
    "update edit modify change set patch",
    "search find query lookup",
    "send post publish write",
    "run execute start launch invoke trigger",
    "stop cancel abort terminate kill end halt",
    "folder directory dir",
    "file document doc",
    "repo repository",
    "pr merge pull",
    "issue ticket bug",
    "message chat dm",
    "picture image photo screenshot",
    "email mail",
    "db database",
    "config configuration setting",
    "person people user member",
    "move rename",
    "website site page url web",
    "log logging",
    "event meeting appointment",
    "function lambda",
    "comment reply note",
)
"""What a model and an API's author may call the same thing."""


def words_in(text: str) -> Iterator[str]:
    """The words of a text or a name, in order, each as its stem; words that say nothing are left out."""
    for run in _RUNS.finditer(text):
        for part in _parts(run[0]):
            word = part.lower()
            if word not in _IDLE and len(word) <= _LONGEST_WORD:
                yield stem(word)


def _parts(run: str) -> Iterable[str]:
    """The words of a name in camel case; of a script without spaces, each pair of neighbouring characters."""
    if run.isascii():
        return _PARTS.findall(run)
    if _UNSPACED.search(run) and len(run) > 2:
        return (run[place : place + 2] for place in range(min(len(run), _LONGEST_RUN) - 1))
    return (run,)


def stem(word: str) -> str:
    """The word, in lower case, without its ending."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return _without_e(word[: -len(ending)] + instead)
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return _without_e(word[:-1])
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and re.search("[aeiouy]", rest):
            is_doubled = rest[-1] == rest[-2] and rest[-1] not in "lsz"
            return _without_e(rest[:-1] if is_doubled else rest)
    return _without_e(word)


def _without_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _read_alike() -> dict[str, frozenset[str]]:
    alike: dict[str, frozenset[str]] = {}
    for line in _ALIKE:
        group = frozenset(stem(word) for word in line.split())
        for word in group:
            alike[word] = alike.get(word, frozenset()) | group - {word}
    return alike


ALIKE = _read_alike()
"""By stem, the stems of words that may mean the same."""
