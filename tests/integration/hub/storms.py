"""Many calls at once to servers that misbehave, and what is to be said of every one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import anyio

from gateway.errors import ToolServerError
from gateway.hub import Hub

_FAR_AWAY = 45.0  # seconds beyond a call's deadline, for a machine that is busy
_LONGEST_REASON = 400  # characters


@dataclass
class Storm:
    """How calls ended: the texts that went with the answers, and the reasons of those that failed."""

    answered: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def told(self, pattern: str) -> bool:
        """Whether some reason says this."""
        return any(re.search(pattern, reason) for reason in self.reasons)


async def storm(
    hub: Hub, server: str, innocent: str, *, calls: int = 100, one_by_one: int = 4, timeout: float = 0.5
) -> Storm:
    """Call `server` from many tasks, each of which makes `one_by_one` calls, and `innocent` beside them.

    Every call ends within its deadline, with its own answer or with a reason that can be read; those to `innocent`
    all succeed.
    """
    outcome = Storm()

    async def one(text: str) -> None:
        try:
            with anyio.fail_after(timeout + _FAR_AWAY):
                result = await hub.call(server, "echo", {"text": text}, owner="key", timeout=timeout)
        except ToolServerError as problem:
            outcome.reasons.append(problem.message)
        else:
            assert text in result.text(), f"{text!r} was answered with {result.text()!r}"
            outcome.answered.append(text)

    async def several(first: int) -> None:
        for number in range(first, first + one_by_one):
            await one(f"call ‹{number}› for {server}")

    async def beside(number: int) -> None:
        text = f"beside ‹{number}›"
        assert text in (await hub.call(innocent, "echo", {"text": text}, owner="key", timeout=50)).text()

    async with anyio.create_task_group() as tasks:
        for first in range(0, calls, one_by_one):
            tasks.start_soon(several, first)
            tasks.start_soon(beside, first)
    unreadable = [
        reason
        for reason in outcome.reasons
        if not reason.startswith(f"The tool server {server!r} ") or len(reason) > _LONGEST_REASON
    ]
    assert unreadable == []
    assert len(outcome.answered) + len(outcome.reasons) == calls
    assert len(set(outcome.answered)) == len(outcome.answered)
    return outcome
