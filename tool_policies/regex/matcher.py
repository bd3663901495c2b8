"""Matches by Thompson's construction: a program of small instructions, run for all its threads at once.

Sets of threads are remembered together with where each character leads from them, so most of a text is walked
with one look-up per character. What is remembered is bounded and forgotten as a whole; the time never depends on
it by more than a factor, which the limit on text times program takes into account.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal, assert_never

from tool_policies.regex.characters import WORD, CharSet
from tool_policies.regex.syntax import Assertion, Choice, InvalidRegex, Node, One, Repeat, Sequence, parse_regex

LONGEST_TEXT = 64 * 1024
"""Characters that a text may have, and fewer for large expressions."""

_LARGEST_PROGRAM = 2000  # instructions
_MOST_WORK = 2_000_000  # characters times instructions: about a second at the very worst
_MOST_REMEMBERED = 200_000  # threads, over all the sets of them that are remembered
_TOO_LARGE = "it is too large once its repetitions are written out; use smaller numbers"

_Side = Literal["edge_of_text", "word", "other"]


class TextTooLong(ValueError):
    """The text is longer than can be matched in good time."""


@dataclass(frozen=True, slots=True)
class _Instruction:
    """Takes a character, or checks the place, and goes on; or goes on to several at once; or has matched."""

    goes_on: tuple[int, ...] = ()
    takes: CharSet | None = None
    checks: Assertion | None = None


@dataclass(slots=True, eq=False)
class _State:
    """Threads that wait before the next character, and where each kind of character leads; None has matched."""

    threads: frozenset[int]
    before: _Side
    moves: dict[int, _State | None] = field(default_factory=dict["int", "_State | None"])
    matches_at_end: bool | None = None


class Regex:
    """A compiled expression; found anywhere in a text unless it is anchored, as JSON Schema has it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._program = _Compiler().compile(parse_regex(pattern))
        self._edges = _edges(self._program)
        self._ascii = [bisect_right(self._edges, code) for code in range(128)]
        self._most_states = max(16, min(1000, _MOST_REMEMBERED // len(self._program)))
        self._longest = min(LONGEST_TEXT, _MOST_WORK // len(self._program))
        self._states: dict[tuple[frozenset[int], _Side], _State] = {}

    def __repr__(self) -> str:
        """As it is written."""
        return f"Regex({self.pattern!r})"

    def search(self, text: str) -> bool:
        """Whether some part of `text` matches. Raises TextTooLong."""
        if len(text) > self._longest:
            raise TextTooLong(f"a text of more than {self._longest} characters is not matched")
        state = self._state(frozenset((0,)), "edge_of_text")
        for sign in text:
            code = ord(sign)
            kind = self._ascii[code] if code < 128 else bisect_right(self._edges, code)
            try:
                following = state.moves[kind]
            except KeyError:
                following = state.moves[kind] = self._move(state, code)
            if following is None:
                return True
            state = following
        if state.matches_at_end is None:
            state.matches_at_end = self._reach(state, "edge_of_text")[1]
        return state.matches_at_end

    def _state(self, threads: frozenset[int], before: _Side) -> _State:
        key = (threads, before)
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= self._most_states:
                self._states.clear()
            state = self._states[key] = _State(threads, before)
        return state

    def _move(self, state: _State, code: int) -> _State | None:
        side: _Side = "word" if code in WORD else "other"
        waiting, matched = self._reach(state, side)
        if matched:
            return None
        moved = {0}  # a match may begin anywhere
        for thread in waiting:
            instruction = self._program[thread]
            if instruction.takes is not None and code in instruction.takes:
                moved.update(instruction.goes_on)
        return self._state(frozenset(moved), side)

    def _reach(self, state: _State, after: _Side) -> tuple[set[int], bool]:
        """The threads that get as far as waiting for a character, and whether one has matched."""
        program, before = self._program, state.before
        seen, stack = set(state.threads), list(state.threads)
        while stack:
            instruction = program[stack.pop()]
            if not instruction.goes_on:
                return seen, True
            if instruction.takes is not None:
                continue
            if instruction.checks is not None and not _holds(instruction.checks, before, after):
                continue
            fresh = [thread for thread in instruction.goes_on if thread not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return seen, False


def compile_regex(pattern: str) -> Regex:
    """Raises InvalidRegex."""
    return Regex(pattern)


def _holds(assertion: Assertion, before: _Side, after: _Side) -> bool:
    match assertion.kind:
        case "start":
            return before == "edge_of_text"
        case "end":
            return after == "edge_of_text"
        case "edge":
            return (before == "word") != (after == "word")
        case "no_edge":
            return (before == "word") == (after == "word")
        case _:
            assert_never(assertion.kind)


def _edges(program: list[_Instruction]) -> list[int]:
    """Code points between which the program treats all characters alike."""
    edges: set[int] = set()
    for characters in [WORD, *(instruction.takes for instruction in program if instruction.takes)]:
        for first, last in characters.ranges:
            edges |= {first, last + 1}
    return sorted(edges)


class _Compiler:
    """Writes a program from its end to its beginning: each part is told where to go on. Starts at 0."""

    def __init__(self) -> None:
        self._program: list[_Instruction] = []
        self._written = 0

    def compile(self, node: Node) -> list[_Instruction]:
        start = self._add(_Instruction())  # filled in below: 0 is where all programs start
        end = self._add(_Instruction())
        first = self._write(node, end)
        self._program[start] = _Instruction((first,))
        return self._program

    def _write(self, node: Node, then: int) -> int:
        self._written += 1
        if self._written > 2 * _LARGEST_PROGRAM:
            raise InvalidRegex(_TOO_LARGE)
        match node:
            case One(characters):
                return self._add(_Instruction((then,), takes=characters))
            case Assertion():
                return self._add(_Instruction((then,), checks=node))
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._write(part, then)
                return then
            case Choice(options):
                return self._add(_Instruction(tuple(self._write(option, then) for option in options)))
            case Repeat():
                return self._repeat(node, then)
            case _:
                assert_never(node)

    def _repeat(self, node: Repeat, then: int) -> int:
        if node.most is None:
            then = self._loop(node.part, then)
        else:
            end = then
            for _ in range(node.most - node.least):
                then = self._add(_Instruction((self._write(node.part, then), end)))
        for _ in range(node.least):
            then = self._write(node.part, then)
        return then

    def _loop(self, part: Node, then: int) -> int:
        again = self._add(_Instruction((then,)))
        first = self._write(part, again)
        self._program[again] = _Instruction((first, then))
        return again

    def _add(self, instruction: _Instruction) -> int:
        self._program.append(instruction)
        if len(self._program) > _LARGEST_PROGRAM:
            raise InvalidRegex(_TOO_LARGE)
        return len(self._program) - 1
