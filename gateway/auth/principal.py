"""The caller of a request, once its key has been recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NewType

from gateway.auth.user import User

KeyId = NewType("KeyId", str)
"""The name of a virtual key in the config; never the secret itself. Safe to log."""

Owner = NewType("Owner", str)
"""Whose it is what is kept: a key's, or a single user's behind a key. Safe to log and to store."""

ToolMode = Literal["auto", "on_request", "off"]
"""Whether tools are attached to every request, only to those that ask for them, or never."""


ToolSelection = Literal["all", "search"]
"""Whether models are shown all tools that a key may use, or search among them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A recognised key: the models it may use (glob patterns) and the policies that hold for it.

    With `passes_unknown_tools`, tools of types that the gateway does not know go to providers without a question.
    Without `remembers`, nothing is kept of its conversations. Rules of models look at `team` and `tags`; its data
    may be in one of `regions` alone, or anywhere when there are none. `passthrough` names the surfaces
    that are open to it besides models that talk. With the `selection` `search`, its models are shown the tools
    that a pattern of `pins` means, and search for others. `user` is whom this request is for, when that is proven.
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
    selection: ToolSelection = "all"
    pins: tuple[str, ...] = ()
    user: User | None = None

    @property
    def owner(self) -> Owner:
        """Whose it is what this request leaves behind."""
        return owner_of(self.key_id, self.user)


def owner_of(key_id: KeyId, user: User | None) -> Owner:
    """The key itself where no user is known: no name of a key has the slash that stands before a user."""
    return Owner(key_id if user is None else f"{key_id}/{user.id}")
