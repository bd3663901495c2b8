"""What a run has used so far, held against its limits.

Above: the state machine tells it what happens, and asks whether there is more. Below: the conversation vocabulary.
Refuses to know: phases, whose a tool is, what time it is (the machine says how much has passed).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversation import ModelResponse, Text, ToolCall, ToolResult, Usage
from gateway.tool_loop.answers import fingerprint_of, size_of
from gateway.tool_loop.limits import MEDIA_BYTES, LimitName, LoopLimits


@dataclass(frozen=True, slots=True)
class _Repeats:
    """How often in a row one call gave this result."""

    times: int
    result: tuple[object, ...]


class Spending:
    """Of one run, in the units of `LoopLimits`. `elapsed` is in seconds since the run began."""

    __slots__ = (
        "_answer_bytes",
        "_calls",
        "_limits",
        "_media_bytes",
        "_prints",
        "_result_bytes",
        "repeats",
        "rounds",
        "usage",
    )

    def __init__(self, limits: LoopLimits) -> None:
        self._limits = limits
        self.rounds = 0
        """Model calls answered."""
        self.usage: Usage | None = None
        """The sum over all rounds, as far as it was told."""
        self.repeats: dict[bytes, _Repeats] = {}
        """By fingerprint, the calls that gave a result: digests, because what models call with may be long."""
        self._calls = 0
        self._result_bytes = 0
        self._media_bytes = 0
        self._answer_bytes = 0
        self._prints: dict[str, bytes] = {}  # by id, of the calls under way

    def answered(self, response: ModelResponse) -> None:
        """A model has answered."""
        self.rounds += 1
        self._answer_bytes += size_of(response)
        if response.usage is not None:
            self.usage = response.usage if self.usage is None else self.usage + response.usage

    def admit(self, call: ToolCall, elapsed: float) -> LimitName | None:
        """Count a call that is to be run; the limit that forbids it, where one does."""
        if elapsed >= self._limits.wall_clock_seconds:
            return "wall_clock_seconds"
        if self._calls >= self._limits.calls:
            return "calls"
        if self._is_too_dear:
            return "usd"
        fingerprint = fingerprint_of(call)
        seen = self.repeats.get(fingerprint)
        if seen is not None and seen.times >= self._limits.repeats:
            return "repeats"
        self._calls += 1
        self._prints[call.id] = fingerprint
        return None

    def finished(self, call: ToolCall, result: ToolResult) -> None:
        """A call that was run has its result."""
        for part in result.content:
            if isinstance(part, Text):
                self._result_bytes += len(part.text.encode())
            else:
                self._media_bytes += len(part.data or "")
        fingerprint = self._prints.pop(call.id)
        seen = self.repeats.get(fingerprint)
        same = seen is not None and seen.result == result.content
        self.repeats[fingerprint] = _Repeats(seen.times + 1 if seen and same else 1, result.content)

    def limit_reached(self, elapsed: float) -> LimitName | None:
        """The limit that ends the run after this round."""
        if self.rounds >= self._limits.rounds:
            return "rounds"
        if self._calls >= self._limits.calls:
            return "calls"
        if self._result_bytes >= self._limits.result_bytes or self._media_bytes >= MEDIA_BYTES:
            return "result_bytes"
        return "wall_clock_seconds" if elapsed >= self._limits.wall_clock_seconds else None

    @property
    def kept_bytes(self) -> int:
        """About how many bytes of models' answers and of tool results, text and media, this run keeps."""
        return self._answer_bytes + self._result_bytes + self._media_bytes

    @property
    def room_for_results(self) -> int:
        """How many bytes of tool results may still be shown to the model in this run."""
        return max(0, self._limits.result_bytes - self._result_bytes)

    @property
    def room_for_media(self) -> int:
        """How many bytes of base64 may still be shown to the model in this run."""
        return max(0, MEDIA_BYTES - self._media_bytes)

    @property
    def _is_too_dear(self) -> bool:
        if self._limits.usd is None:
            return False
        cost = self.usage.cost_usd if self.usage is not None else None
        return cost is None or cost >= self._limits.usd
