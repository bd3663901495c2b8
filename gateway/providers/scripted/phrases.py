"""What can be found in a sentence by simple means: quotes, URLs, paths, sums, time zones, numbers, words."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_QUOTED = re.compile(r"\"([^\"]*)\"|`+([^`]*)`+|“([^”]*)”|(?<![A-Za-z0-9])'((?:[^']|'(?=[a-z]))*)'(?![A-Za-z0-9])")
_URL = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,;:!?)]", re.IGNORECASE)
_PATH = re.compile(
    r"(?:~|\.{1,2})?/[\w./-]*\w/?|\b[A-Za-z_][\w-]*(?:/[\w.-]*\w)+/?|\b[A-Za-z_][\w-]*/(?!\S)"
    r"|\b[\w-]+\.[A-Za-z][A-Za-z0-9]{0,7}\b"
)
_SUM = re.compile(
    r"[\d(][\d\s.+*/%()^-]*[+*/%^-][\d\s.+*/%()^-]*[\d)]|\b(?:sqrt|sin|cos|tan|log|exp)\([\d.+*/ -]+\)"
)
_ZONE = re.compile(r"\b[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]+)+\b|\bUTC\b")
_CAPITALIZED = re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}\b")
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)")
_WORD = re.compile(r"[a-z0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLAUSE = re.compile(r"\s*(?:\band then\b|\band\b|\bthen\b|;|,(?=\s)|[.?!](?=\s)|\n)\s*", re.IGNORECASE)

_LONGEST = 4000  # characters of a message that are looked at


@dataclass(frozen=True, slots=True)
class Phrase:
    """A clause, and what was found in it, in order."""

    text: str
    quoted: tuple[str, ...]
    urls: tuple[str, ...]
    paths: tuple[str, ...]
    sums: tuple[str, ...]
    zones: tuple[str, ...]
    numbers: tuple[str, ...]
    words: frozenset[str]


def clauses(message: str) -> list[str]:
    """The message in clauses; what stands in quotes is never parted."""
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(match.group())
        return f"\0{len(hidden) - 1}\0"

    masked = _QUOTED.sub(hide, message[:_LONGEST].replace("\0", " "))
    parts = [part for part in _CLAUSE.split(masked) if part.strip()]
    return [re.sub(r"\0(\d+)\0", lambda match: hidden[int(match.group(1))], part).strip() for part in parts]


def read_phrase(text: str) -> Phrase:
    """Look at one clause."""
    quoted = tuple(
        next((group for group in match.groups() if group is not None), "") for match in _QUOTED.finditer(text)
    )
    plain = _QUOTED.sub(" ", text)
    urls = tuple(match.group() for match in _URL.finditer(text))
    without_urls = _URL.sub(" ", plain)
    zones = _zones_in(without_urls)
    places = [match.group() for match in _PATH.finditer(without_urls)]
    sums = tuple(
        match.group().strip() for match in _SUM.finditer(without_urls) if any(map(str.isdigit, match.group()))
    )
    paths = tuple(place for place in places if place not in zones and not any(place in found for found in sums))
    return Phrase(
        text=text,
        quoted=quoted,
        urls=urls,
        paths=paths,
        sums=sums,
        zones=zones,
        numbers=tuple(match.group() for match in _NUMBER.finditer(without_urls)),
        words=frozenset(words_in(_PATH.sub(" ", without_urls))),
    )


def words_in(text: str) -> list[str]:
    """Lower-case words, plurals and camelCase taken apart: `listNotes` and `list_notes` are list, note."""
    return [_singular(word) for word in _WORD.findall(_CAMEL.sub(" ", text).lower())]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _zones_in(text: str) -> tuple[str, ...]:
    known = _cities()
    named = [match.group() for match in _ZONE.finditer(text)]
    cities = [known[match.group()] for match in _CAPITALIZED.finditer(text) if match.group() in known]
    single = [known[word] for word in re.findall(r"\b[A-Z][a-z]+\b", text) if word in known]
    zones = [zone for zone in named if zone in zoneinfo.available_timezones() or zone == "UTC"]
    return tuple(dict.fromkeys([*zones, *cities, *single]))


@cache
def _cities() -> Mapping[str, str]:
    """`Tokyo` to `Asia/Tokyo`, from the time zone data of this machine."""
    zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone)
    regions = ("Etc", "SystemV", "US", "Canada", "Brazil", "Mexico", "Chile")
    kept = [zone for zone in zones if zone.split("/")[0] not in regions]
    return {zone.rsplit("/", 1)[1].replace("_", " "): zone for zone in kept}
