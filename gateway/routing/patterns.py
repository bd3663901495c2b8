"""Names with wildcards: `*` stands for any text, also none and also with slashes; nothing else is special."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The library's translation matches in bounded time; its other special characters are quoted.
    quoted = re.sub(r"[\[?]", lambda match: f"[{match.group()}]", pattern)
    return re.compile(fnmatch.translate(quoted))


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name fits the pattern."""
    return pattern in ("*", name) or ("*" in pattern and _compiled(pattern).match(name) is not None)


def matches_any(patterns: tuple[str, ...] | list[str], name: str) -> bool:
    """Whether the name fits one of the patterns."""
    return any(matches(pattern, name) for pattern in patterns)


def literal_prefix(pattern: str) -> str:
    """What stands before the first `*`."""
    return pattern.split("*", 1)[0]


def filling(pattern: str, name: str) -> str | None:
    """What the `*` of a pattern with exactly one stands for in a name that fits it."""
    before, star, after = pattern.partition("*")
    if not star or "*" in after or not matches(pattern, name):
        return None
    return name[len(before) : len(name) - len(after)]
