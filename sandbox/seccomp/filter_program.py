"""The list as a classic BPF program, the form in which the kernel takes a seccomp filter (seccomp(2)).

The program is a sequence of self-contained blocks, so that no jump is longer than a block: each either returns
or falls through to the next. A call that reaches the end is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from sandbox.seccomp.allowed import (
    ABSENT,
    ABSENT_ERRNO,
    ALWAYS,
    CONDITIONS,
    REFUSED_ERRNO,
    Condition,
)
from sandbox.seccomp.numbers import NEWEST, X86_64, Architecture

Instruction = tuple[int, int, int, int]
"""struct sock_filter: operation, jump if true, jump if false, operand."""

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_JUMP_EQUAL, _JUMP_GREATER, _JUMP_AT_LEAST = 0x15, 0x25, 0x35
# Offsets in struct seccomp_data.
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32_BIT = 0x40000000
_LOW_WORD = 0xFFFFFFFF


def compile_filter(architecture: Architecture) -> bytes:
    """The program for `architecture`, as an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _program(architecture))


def _program(architecture: Architecture) -> Iterator[Instruction]:
    numbers = architecture.numbers
    yield from _kill_other_architectures(architecture)
    for name in ABSENT:
        yield from _if_equal(numbers[name], _ERRNO | ABSENT_ERRNO)
    for call in dict.fromkeys(each.call for each in CONDITIONS):
        yield from _conditional(numbers[call], [each for each in CONDITIONS if each.call == call])
    for first, last in _ranges(numbers[name] for name in ALWAYS if name in numbers):
        yield (_JUMP_AT_LEAST, 0, 2, first)
        yield (_JUMP_GREATER, 1, 0, last)
        yield (_RETURN, 0, 0, _ALLOW)
    # A libc newer than this list tries calls newer than this list, and knows what to do where they are absent.
    yield (_JUMP_GREATER, 0, 1, NEWEST)
    yield (_RETURN, 0, 0, _ERRNO | ABSENT_ERRNO)
    yield (_RETURN, 0, 0, _ERRNO | REFUSED_ERRNO)


def _kill_other_architectures(architecture: Architecture) -> Iterator[Instruction]:
    """A 32-bit entry point numbers its calls differently; x32 shares the token and sets a bit in the number."""
    yield (_LOAD, 0, 0, _ARCHITECTURE)
    yield (_JUMP_EQUAL, 1, 0, architecture.token)
    yield (_RETURN, 0, 0, _KILL_PROCESS)
    yield (_LOAD, 0, 0, _NUMBER)
    if architecture is X86_64:
        yield (_JUMP_AT_LEAST, 0, 1, _X32_BIT)
        yield (_RETURN, 0, 0, _KILL_PROCESS)


def _if_equal(number: int, action: int) -> Iterator[Instruction]:
    yield (_JUMP_EQUAL, 0, 1, number)
    yield (_RETURN, 0, 0, action)


def _conditional(number: int, conditions: list[Condition]) -> Iterator[Instruction]:
    """Decide the call `number` by its arguments; any other number passes on."""
    block = [step for condition in conditions for step in _check(condition)]
    block.append((_RETURN, 0, 0, _ERRNO | REFUSED_ERRNO))
    yield (_JUMP_EQUAL, 0, len(block), number)
    yield from block


def _check(condition: Condition) -> list[Instruction]:
    """Allow if both 32-bit halves of the argument match, else pass on. Offsets are little-endian's."""
    low = _ARGUMENTS + 8 * condition.index
    return [
        (_LOAD, 0, 0, low),
        (_AND, 0, 0, condition.mask & _LOW_WORD),
        (_JUMP_EQUAL, 0, 4, condition.value & _LOW_WORD),
        (_LOAD, 0, 0, low + 4),
        (_AND, 0, 0, condition.mask >> 32),
        (_JUMP_EQUAL, 0, 1, condition.value >> 32),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive numbers, as first and last, in ascending order."""
    ordered = sorted(numbers)
    first = last = ordered[0]
    for number in ordered[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
