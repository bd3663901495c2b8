"""The caller of a request, once its key has been recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

KeyId = NewType("KeyId", str)
"""The name of a virtual key in the config; never the secret itself. Safe to log."""

ToolMode = Literal["auto", "on_request", "off"]
"""Whether tools are attached to every request, only to those that ask for them, or never."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A recognised key: the models it may use (glob patterns) and the policies that hold for it.

    With `passes_unknown_tools`, tools of types that the gateway does not know go to providers without a question.
    Without `remembers`, nothing is kept of its conversations. Rules of models look at `team` and `tags`; its data
    may be in one of `regions` alone, or anywhere when there are none. `passthrough` names the surfaces
    that are open to it besides models that talk.
    """

    key_id: KeyId
    models: tuple[str, ...]
    policies: tuple[str, ...]
    tools: ToolMode
    passes_unknown_tools: bool = False
    remembers: bool = True
    team: str | None = None
    tags: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    passthrough: frozenset[str] = frozenset()
