"""What a policy says of one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["allow", "ask", "deny"]

STRICTNESS: dict[Verdict, int] = {"allow": 0, "ask": 1, "deny": 2}
"""The larger one wins."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` is `policy/rule`, `policy/allow`, `policy/deny`, `default-deny` or `narrowed`.

    `message` may be shown to the model: it names the rule and the argument, nothing else of the operator's.
    `reason` is for the operator and quotes paths, but no other values.
    """

    verdict: Verdict
    rule: str | None
    message: str
    reason: str
