"""Which of several names with wildcards fits, and how well; see `gateway.wildcards`."""

from __future__ import annotations

from gateway.wildcards import matches


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
