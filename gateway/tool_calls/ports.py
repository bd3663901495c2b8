"""What the pipeline uses of its neighbours.

`gateway.hub.Hub`, `tool_policies.Policy` and `gateway.audit.AuditTrail` satisfy these protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from gateway.audit.events import ToolCallRecord
from gateway.auth import User
from gateway.hub import (
    NOBODY,
    SILENCE,
    Caller,
    CallResult,
    Catalogue,
    CatalogueTool,
    GivenInput,
    Meanwhile,
    Watch,
)


class ToolServers(Protocol):
    """The tool servers, and what they offer."""

    @property
    def catalogue(self) -> Catalogue:
        """The tools on offer at this moment."""
        ...

    async def call(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        owner: str,
        user: User | None,
        timeout: float,  # noqa: ASYNC109 - the hub's own signature
        meanwhile: Meanwhile = SILENCE,
        caller: Caller = NOBODY,
        given: GivenInput | None = None,
    ) -> CallResult:
        """Run a tool. Raises `gateway.errors.ToolServerError`."""
        ...

    async def request(
        self,
        server: str,
        method: str,
        params: Mapping[str, Any],
        *,
        owner: str,
        user: User | None = None,
        timeout: float,  # noqa: ASYNC109 - the hub's own signature
        meanwhile: Meanwhile = SILENCE,
        caller: Caller = NOBODY,
    ) -> Mapping[str, Any]:
        """Ask for anything but a tool. Raises `gateway.errors.ToolServerError`."""
        ...

    async def watch(
        self,
        server: str,
        uri: str,
        on_update: Callable[[], None],
        *,
        owner: str,
        user: User | None = None,
        timeout: float,  # noqa: ASYNC109 - the hub's own signature
    ) -> Watch:
        """Be told when a resource may have changed. Raises `gateway.errors.ToolServerError`."""
        ...


class OwnTool(Protocol):
    """A tool that is run here, and not by a server. Who puts it into a context allows it: no policy is asked."""

    @property
    def tool(self) -> CatalogueTool:
        """What it is called, and what arguments it takes."""
        ...

    async def run(self, arguments: Mapping[str, Any]) -> CallResult:
        """Run it with arguments that fit its schema."""
        ...


class Decision(Protocol):
    """What a policy says of one call. `message` may be shown to the model, `reason` only to the operator."""

    @property
    def verdict(self) -> Literal["allow", "ask", "deny"]: ...

    @property
    def rule(self) -> str | None: ...

    @property
    def message(self) -> str: ...

    @property
    def reason(self) -> str: ...


class ToolPolicy(Protocol):
    """The compiled policy of one key, narrowed to one request. Tools are named `server/tool`."""

    def visible(self, tool: str) -> bool:
        """Whether the tool exists for this key."""
        ...

    def decide(self, tool: str, arguments: Mapping[str, Any]) -> Decision:
        """Judge one call with the arguments that would be sent."""
        ...


class AuditTrail(Protocol):
    """Where a record of every call goes."""

    def offer(self, event: ToolCallRecord) -> bool:
        """Take the record at once, if there is room for it."""
        ...

    async def record(self, event: ToolCallRecord) -> None:
        """Take the record; waits when the trail is behind, never drops."""
        ...
