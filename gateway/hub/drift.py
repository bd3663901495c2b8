"""What of a server is not as it was locked, or as it was first seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tool_policies.lockfile import ChangeKind

DriftKind = ChangeKind | Literal["source", "unlocked"]
"""`source`: the server comes from elsewhere now; `unlocked`: nothing was locked of it."""

DriftAction = Literal["hidden", "served_locked", "accepted", "missing"]
"""What became of the tool: it is not on offer; its words are those that were locked; it is on offer as it is now;
the server has it no more.
"""


PROMPT = "@prompts/"
"""What the names of prompts begin with, where tools are named: none of those has a name like that."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `reason` is for the operator.

    `tool` is `*` where all tools of the server are meant; a prompt is `@prompts/NAME`.
    """

    tool: str
    kind: DriftKind
    action: DriftAction
    reason: str
    found_sha256: str | None = None
