"""Reads a regular expression into a tree. What could mean one thing here and another elsewhere is refused."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal, NoReturn

from tool_policies.regex.characters import ANY_BUT_LINE_ENDS, CLASSES, CharSet, char_set, of

LONGEST = 2000
"""Characters that an expression may have."""
MOST_REPETITIONS = 1000
"""The largest number in braces."""

_DEEPEST = 32  # groups within groups
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_PUNCTUATION = frozenset(string.punctuation)
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class InvalidRegex(ValueError):
    """The expression cannot be read, or asks for what linear time cannot give."""


@dataclass(frozen=True, slots=True)
class One:
    """One character of a set."""

    characters: CharSet


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place in the text: its start, its end, an edge of a word, or none."""

    kind: Literal["start", "end", "edge", "no_edge"]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other; empty is the empty text."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of these."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`least` to `most` times; None is without end."""

    part: Node
    least: int
    most: int | None


Node = One | Assertion | Sequence | Choice | Repeat


def parse_regex(text: str) -> Node:
    """The tree of an expression. Raises InvalidRegex."""
    if len(text) > LONGEST:
        raise InvalidRegex(f"a regular expression has at most {LONGEST} characters")
    parser = _Parser(text)
    node = parser.choice(0)
    if not parser.at_end:
        parser.refuse("`)` without its `(`")
    return node


class _Parser:
    """Recursive descent; the methods take what they are named after, from the current position on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._text)

    def refuse(self, what: str) -> NoReturn:
        raise InvalidRegex(f"{what}, at character {self._at + 1}")

    def choice(self, depth: int) -> Node:
        if depth > _DEEPEST:
            self.refuse(f"groups are nested deeper than {_DEEPEST} levels")
        options = [self._sequence(depth)]
        while self._take("|"):
            options.append(self._sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while not self.at_end and self._text[self._at] not in "|)":
            parts.append(self._repeated(depth))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, depth: int) -> Node:
        part = self._atom(depth)
        bounds = self._quantifier()
        if bounds is None:
            return part
        if isinstance(part, Assertion):
            self.refuse("a place in the text cannot be repeated")
        self._take("?")  # lazy or not, the same texts match
        if self._quantifier() is not None:
            self.refuse("one quantifier after another")
        return Repeat(part, *bounds)

    def _quantifier(self) -> tuple[int, int | None] | None:
        sign = self._peek()
        if sign in _QUANTIFIERS:
            self._at += 1
            return _QUANTIFIERS[sign]
        return self._braces() if self._take("{") else None

    def _braces(self) -> tuple[int, int | None]:
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at : max(end, self._at)].partition(",")
        digits = least.isascii() and least.isdigit() and (not most or (most.isascii() and most.isdigit()))
        if end < 0 or not digits or max(len(least), len(most)) > 4:
            self.refuse("`{` that begins no number of times; write it as `\\{`")
        low = int(least)
        high = int(most) if most else (None if comma else low)
        if low > MOST_REPETITIONS or (high or 0) > MOST_REPETITIONS or (high is not None and high < low):
            self.refuse(f"a number of times beyond {MOST_REPETITIONS}, or the wrong way round")
        self._at = end + 1
        return low, high

    def _atom(self, depth: int) -> Node:
        sign = self._text[self._at]
        if sign in "*+?{":
            self.refuse("a quantifier with nothing before it")
        self._at += 1
        match sign:
            case "(":
                return self._group(depth)
            case "[":
                return One(self._class())
            case ".":
                return One(ANY_BUT_LINE_ENDS)
            case "^":
                return Assertion("start")
            case "$":
                return Assertion("end")
            case "\\":
                return self._escaped_atom()
            case _:
                return One(of(sign))

    def _group(self, depth: int) -> Node:
        if self._take("?") and not self._take(":"):
            name, end, _ = self._text[self._at :].partition(">")
            if not end or not name.startswith("<") or not name[1:].isidentifier():
                self.refuse("look-around and flags are not read: only (...), (?:...) and (?<name>...)")
            self._at += len(name) + 1
        inside = self.choice(depth + 1)
        if not self._take(")"):
            self.refuse("`(` without its `)`")
        return Sequence((inside,)) if isinstance(inside, Assertion) else inside  # in a group it may be repeated

    def _escaped_atom(self) -> Node:
        if self._take("b"):
            return Assertion("edge")
        if self._take("B"):
            return Assertion("no_edge")
        return One(self._escape())

    def _class(self) -> CharSet:
        inverted = self._take("^")
        if self._peek() == "]":
            self.refuse("an empty class; write `]` in a class as `\\]`")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            if self.at_end:
                self.refuse("`[` without its `]`")
            ranges.extend(self._class_range())
        found = char_set(ranges)
        return found.inverted() if inverted else found

    def _class_range(self) -> tuple[tuple[int, int], ...]:
        first = self._class_member()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return first.ranges
        self._at += 1
        last = self._class_member()
        low, high = _only(first), _only(last)
        if low is None or high is None or high < low:
            self.refuse("a range in a class whose ends are not single characters in order")
        return ((low, high),)

    def _class_member(self) -> CharSet:
        if self._take("\\"):
            return of("\b") if self._take("b") else self._escape()
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        return of(sign)

    def _escape(self) -> CharSet:
        sign = self._peek()
        self._at += 1
        if sign in CLASSES:
            return CLASSES[sign]
        if sign in _CONTROLS and not (sign == "0" and self._peek().isdigit()):
            return of(_CONTROLS[sign])
        if sign in ("x", "u"):
            return self._code_point(2 if sign == "x" else 4)
        if sign not in _PUNCTUATION:
            self._at -= 1
            self.refuse("an escape that is not read here (back-references and \\p are not)")
        return of(sign)

    def _code_point(self, digits: int) -> CharSet:
        if digits == 4 and self._take("{"):
            number = self._text[self._at :].partition("}")[0]
            self._at += len(number) + 1
        else:
            number = self._text[self._at : self._at + digits]
            self._at += digits
        good = 0 < len(number) <= 6 and set(number) <= set(string.hexdigits)
        if not good or self._at > len(self._text) or int(number, 16) > 0x10FFFF:
            self.refuse("\\x or \\u without its hexadecimal digits")
        code = int(number, 16)
        return char_set([(code, code)])

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += taken
        return taken


def _only(characters: CharSet) -> int | None:
    """The code point of a set of one."""
    match characters.ranges:
        case ((first, last),) if first == last:
            return first
        case _:
            return None
