"""What in the words of a tool deserves a second look before they are accepted.

A list of hints for whoever reviews, and no verdict: who wants to deceive can say it otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tool_policies.lockfile.writing import is_seen

_PATTERNS = (
    (
        r"\b(ignore|disregard|forget)\b.{0,40}\b(previous|prior|above|earlier|all|other)\b",
        "speaks of ignoring words",
    ),
    (
        r"\b(do not|don't|never)\b.{0,30}\b(tell|mention|inform|show|reveal)\b",
        "asks to keep something from the user",
    ),
    (r"<\s*/?\s*(important|system|secret|instructions?|admin)\b", "has tags that look like instructions"),
    (
        r"\b(before|after|instead of)\b.{0,30}\b(using|calling)\b.{0,30}\btools?\b",
        "speaks of calls of other tools",
    ),
    (r"\.ssh\b|id_rsa|\.aws/|/etc/passwd|\.env\b|\bapi[ _-]?keys?\b|\bpasswords?\b", "speaks of credentials"),
    (r"[A-Za-z0-9+/=]{120,}", "holds what looks encoded"),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), why) for pattern, why in _PATTERNS)
_WORD = re.compile(r"[^\W\d_]{2,}")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Of which letters look alike. Words in one of them are words; words in two are not."""
_LONGEST = 64 * 1024  # characters that are looked at of one text


def suspicions(value: Any) -> tuple[str, ...]:
    """Each in a phrase, once, for all texts in a definition or a part of one."""
    return tuple(dict.fromkeys(why for text in _texts(value) for why in _of_text(text[:_LONGEST])))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _texts(inner)


def _of_text(text: str) -> Iterator[str]:
    if not all(is_seen(character) or character in "\n\t" for character in text):
        yield "holds characters that cannot be seen"
    if any(_mixes_scripts(word) for word in _WORD.findall(text)):
        yield "holds letters that look like others"
    for pattern, why in _COMPILED:
        if pattern.search(text):
            yield why


def _mixes_scripts(word: str) -> bool:
    if word.isascii():
        return False
    return len({script for letter in word if (script := _script(letter)) is not None}) > 1


def _script(letter: str) -> str | None:
    name = unicodedata.name(letter, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), None)
