"""A call to make, and on whose behalf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio

from gateway.auth import KeyId, Owner, User, owner_of
from gateway.hub import NOBODY, Caller, GivenInput, LogListener, ToolProgress
from gateway.tool_calls.ports import OwnTool, ToolPolicy

Surface = Literal["loop", "tools", "mcp", "command"]
"""Where a call comes from: a model's turn, `/v1/tools`, `/mcp`, or the command line."""


@dataclass(frozen=True, slots=True)
class ToolCallRequest:
    """A tool by wire name (`server__tool`) or qualified name (`server/tool`), and its arguments.

    `arguments` is the JSON text as a model wrote it, or an object that has been parsed already. Whoever has names
    of its own for tools says with `qualified` which one it means; empty, its `name` is that of none. `given` is
    what the server wanted before it would go on.
    """

    call_id: str
    name: str
    arguments: str | Mapping[str, Any] = field(repr=False)
    qualified: str | None = None
    given: GivenInput | None = field(default=None, repr=False)


OfferKind = Literal["resources", "prompts"]


@dataclass(frozen=True, slots=True)
class OfferRequest:
    """A request for something that a server offers beside its tools.

    It is judged and recorded like a call of a tool `server/@kind` with `arguments`, which say what is wanted; what
    is sent is `method` with `params`.
    """

    call_id: str
    server: str
    kind: OfferKind
    arguments: Mapping[str, Any] = field(repr=False)
    method: str
    params: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """What stands in the place of a tool's name."""
        return f"@{self.kind}"

    @property
    def qualified(self) -> str:
        """The name by which policies know it."""
        return offer_name(self.server, self.kind)


def offer_name(server: str, kind: OfferKind) -> str:
    """The name in policies for what a server offers of a kind."""
    return f"{server}/@{kind}"


@dataclass(frozen=True, slots=True)
class CallContext:
    """What holds for a call: whose it is, what judges it, and what it may use.

    `policy` is the key's policy, narrowed by the request. `timeout_seconds` runs from the moment the call is
    sent; `result_bytes` bounds the text of its result in UTF-8. `limiter` caps the calls that run at once.
    `on_progress` must be quick; its messages have been made harmless to show. `on_log` is told of the log
    messages of this call, as the server sent them, where the `caller` wants some of a level. `user` is whom the
    call is for, when that was proven. `own_tools` are those of the gateway itself that may be called, by name.

    With `as_sent` the result is for a program and kept as the server sent it. With `breaks_off`, cancelling
    reaches the server even when the call may write: the caller has said that it wants no more of it. `caller` is
    the client as the server is told of it.
    """

    key_id: KeyId
    run_id: str
    policy: ToolPolicy
    timeout_seconds: float = 60.0
    result_bytes: int = 256 * 1024
    limiter: anyio.CapacityLimiter | None = None
    on_progress: Callable[[ToolProgress], None] | None = None
    round: int | None = None
    own_tools: Mapping[str, OwnTool] = field(default_factory=dict[str, OwnTool])
    user: User | None = None
    surface: Surface = "loop"
    on_log: LogListener | None = None
    as_sent: bool = False
    breaks_off: bool = False
    caller: Caller = NOBODY

    @property
    def owner(self) -> Owner:
        """Whose it is what a server keeps of this call."""
        return owner_of(self.key_id, self.user)
