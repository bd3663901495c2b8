"""Gives many streams their turns, evenly spread over a chunk's time.

A loop's own timers are rounded to milliseconds, so the chunks of streams that began together would go out
together, and a proxy would be woken once for several. In life each comes alone, as with a finer timer.

Above: `mock_upstream`. Below: the kernel's timerfd.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable

from bench import wire

_SLOTS = 64
_STEP_NANOSECONDS = int(wire.CHUNK_SECONDS * 1e9 / _SLOTS)
_STRIDE = 23  # no common factor with _SLOTS: neighbours in time of arrival are far apart in turn
_NONBLOCK = os.O_NONBLOCK

Turn = Callable[[], bool]
"""Sends one chunk; False when it was the last."""


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSetting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class Wheel:
    """Turns in slots; the timer runs while there are any. Python has it from 3.13 on as os.timerfd_create."""

    def __init__(self) -> None:
        self._slots: list[list[Turn]] = [[] for _ in range(_SLOTS)]
        self._at = 0
        self._next = 0
        self._turns = 0
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = self._checked(self._libc.timerfd_create(1, _NONBLOCK))  # 1: the monotonic clock
        asyncio.get_running_loop().add_reader(self._timer, self._step)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._timer)
        os.close(self._timer)

    def add(self, turn: Turn) -> None:
        """Give it a turn once in CHUNK_SECONDS, until it says that it has had its last."""
        self._slots[self._next].append(turn)
        self._next = (self._next + _STRIDE) % _SLOTS
        self._turns += 1
        if self._turns == 1:
            self._arm(_STEP_NANOSECONDS)

    def _step(self) -> None:
        try:
            passed = int.from_bytes(os.read(self._timer, 8), "little")
        except BlockingIOError:
            return
        # More than a whole round behind, on a machine that was busy: nobody gets two turns at once.
        for _ in range(min(passed, _SLOTS)):
            self._at = (self._at + 1) % _SLOTS
            if turns := self._slots[self._at]:
                going_on = [turn for turn in turns if turn()]
                self._turns -= len(turns) - len(going_on)
                self._slots[self._at] = going_on
        if self._turns == 0:
            self._arm(0)

    def _arm(self, nanoseconds: int) -> None:
        step = _Timespec(0, nanoseconds)
        setting = _TimerSetting(step, step)
        self._checked(self._libc.timerfd_settime(self._timer, 0, ctypes.byref(setting), None))

    def _checked(self, result: int) -> int:
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result
