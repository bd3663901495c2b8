"""Token counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call, or of several added up.

    `input_tokens` includes `cached_input_tokens` and `cache_write_tokens`; `output_tokens` includes
    `reasoning_tokens` (OpenAI's way of counting; dialects that count otherwise convert).

    `cost_usd` is what they cost in US dollars; None where that is not known, and then the sum is not known either.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None

    def __add__(self, other: Usage) -> Usage:
        """The sum, field by field."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd,
        )

    def __sub__(self, other: Usage) -> Usage:
        """What came to `other` to make this of it."""
        return Usage(
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.cached_input_tokens - other.cached_input_tokens,
            self.cache_write_tokens - other.cache_write_tokens,
            self.reasoning_tokens - other.reasoning_tokens,
            None if self.cost_usd is None or other.cost_usd is None else self.cost_usd - other.cost_usd,
        )
