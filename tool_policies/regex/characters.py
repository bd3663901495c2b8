"""Sets of characters, as sorted ranges of code points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class CharSet:
    """Ranges of code points, both ends included, sorted and apart from each other."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, code: int) -> bool:
        return any(first <= code <= last for first, last in self.ranges)

    def inverted(self) -> CharSet:
        """All other characters."""
        gaps: list[tuple[int, int]] = []
        start = 0
        for first, last in self.ranges:
            if start < first:
                gaps.append((start, first - 1))
            start = last + 1
        if start <= _LAST:
            gaps.append((start, _LAST))
        return CharSet(tuple(gaps))


def char_set(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """The union of ranges that may be in any order and overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return CharSet(tuple(merged))


def of(text: str) -> CharSet:
    """The characters of `text`; `a-z` is not a range here."""
    return char_set((ord(sign), ord(sign)) for sign in text)


DIGITS = char_set([(0x30, 0x39)])
WORD = char_set([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
SPACE = char_set(
    (ord(first), ord(last))
    for first, last in (
        *("\t\r", "  ", "\xa0\xa0", "\u1680\u1680", "\u2000\u200a"),
        *("\u2028\u2029", "\u202f\u202f", "\u205f\u205f", "\u3000\u3000", "\ufeff\ufeff"),
    )
)
ANY_BUT_LINE_ENDS = of("\n\r\u2028\u2029").inverted()

CLASSES = {
    "d": DIGITS,
    "D": DIGITS.inverted(),
    "w": WORD,
    "W": WORD.inverted(),
    "s": SPACE,
    "S": SPACE.inverted(),
}
"""What a letter after a backslash stands for."""
