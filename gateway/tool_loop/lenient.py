"""Questions to a store that no answer waits for long, and none fails by."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

_PATIENCE = 5.0
"""Seconds; without an answer by then, there is nothing to remember."""

ResultT = TypeVar("ResultT")


class Lenient:
    """Asks a store. Whatever is wrong with it is logged once, until it works again."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._is_failing = False

    async def ask(self, question: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
        """The answer; None when there is none."""
        try:
            with anyio.fail_after(_PATIENCE):
                answer = await question()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the store, the client gets its answer
            if not self._is_failing:
                why = error or "no answer in time"
                self._log.warning("nothing can be remembered of conversations, for now: %s", why)
            self._is_failing = True
            return None
        if self._is_failing:
            self._log.info("conversations are remembered again")
        self._is_failing = False
        return answer
