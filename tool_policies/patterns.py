"""Patterns for tools: `files/read_*`, `*/delete_*`, `*/*`.

A pattern is `server/tool`. `*` stands for any run of characters, also for none; everything else stands for
itself, case counts, and the whole name must match. The first slash parts server from tool: server names hold no
slash, but a tool's name may, and `*` in the tool's part runs over those, so that `files/*` is every tool of
`files`. There are no other wildcards. Patterns come from clients, too, so matching takes linear time: the pieces
between the stars are looked for from left to right, and nothing is ever tried twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

LONGEST = 256
"""Characters that a pattern may have."""

_ANYTHING = "\0"  # stands for a star where a pattern is matched; no pattern can hold it
_OTHER_WILDCARDS = re.compile(r"[?\[\]{}\\!]")


class InvalidPattern(ValueError):
    """The text is not a pattern. `hint` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Glob:
    """One side of a pattern."""

    text: str
    _pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", tuple(self.text.split("*")))

    @property
    def is_anything(self) -> bool:
        """True for `*`."""
        return self.text == "*"

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` is of this form."""
        first, *middle = self._pieces
        if not middle:
            return name == first
        last = middle.pop()
        end = len(name) - len(last)
        if not name.startswith(first) or not name.endswith(last):
            return False
        position = len(first)
        for piece in middle:
            found = name.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return position <= end

    def covers(self, other: Glob) -> bool:
        """Whether this matches every name that `other` matches."""
        return self.matches(other.text.replace("*", _ANYTHING))

    def meets(self, other: Glob) -> bool:
        """Whether some name is matched by both."""
        if len(self._pieces) == 1:
            return other.matches(self.text)
        if len(other._pieces) == 1:
            return self.matches(other.text)
        # With a star in each, whatever lies between can stand one after the other: only the ends can clash.
        first, second = self._pieces, other._pieces
        starts_agree = first[0].startswith(second[0]) or second[0].startswith(first[0])
        ends_agree = first[-1].endswith(second[-1]) or second[-1].endswith(first[-1])
        return starts_agree and ends_agree


@dataclass(frozen=True, slots=True)
class ToolPattern:
    """A pattern for `server/tool` names."""

    server: Glob
    tool: Glob

    def __str__(self) -> str:
        """As it was written."""
        return f"{self.server.text}/{self.tool.text}"

    def matches(self, qualified: str) -> bool:
        """Whether the tool `server/tool` is meant."""
        server, slash, tool = qualified.partition("/")
        return bool(slash) and self.server.matches(server) and self.tool.matches(tool)

    def covers(self, other: ToolPattern) -> bool:
        """Whether every tool that `other` means is meant."""
        return self.server.covers(other.server) and self.tool.covers(other.tool)

    def meets(self, other: ToolPattern) -> bool:
        """Whether some tool is meant by both."""
        return self.server.meets(other.server) and self.tool.meets(other.tool)


def parse_pattern(text: str) -> ToolPattern:
    """The pattern in `text`. Raises InvalidPattern."""
    shown = repr(text[:80])
    if not text or len(text) > LONGEST:
        raise InvalidPattern(
            f"a pattern has 1 to {LONGEST} characters", "write it as server/tool, such as files/*"
        )
    if not text.isprintable() or " " in text:
        raise InvalidPattern(f"{shown} holds a space or an invisible character", "remove it")
    if "**" in text:
        raise InvalidPattern(f"{shown}: ** has no meaning", "write one *, which already stands for any characters")
    if _OTHER_WILDCARDS.search(text):
        raise InvalidPattern(f"{shown}: * is the only wildcard", "write several patterns, or use *")
    server, slash, tool = text.partition("/")
    if not slash:
        whole = "*/*" if text == "*" else f"{text}/*"
        raise InvalidPattern(f"{shown} is not of the form server/tool", f"write {whole!r} for all tools of it")
    if not server or not tool:
        raise InvalidPattern(f"{shown} has an empty side", "write * for any server, or for any tool")
    return ToolPattern(Glob(server), Glob(tool))


def first_match(patterns: Iterable[ToolPattern], qualified: str) -> ToolPattern | None:
    """The first of the patterns that means this tool."""
    return next((pattern for pattern in patterns if pattern.matches(qualified)), None)
