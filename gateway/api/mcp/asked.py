"""One request of a client's, admitted and understood: what the methods are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.api.mcp.envelope import Client
from gateway.api.mcp.logs import read_level
from gateway.api.mcp.seen import Seen
from gateway.api.mcp.sessions import Session
from gateway.api.mcp.surface import Surface
from gateway.api.mcp.wire import LONGEST_ID, encode_notification
from gateway.api.requests import Request
from gateway.api.services import Services
from gateway.auth import Principal
from gateway.hub import ToolProgress, protocol

Result = Mapping[str, Any]


def _unasked(_question: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Asked:
    """See the module. `notify` takes an encoded notification and never waits, and `ask` a question likewise, for
    which it says whether that leaves at all.

    Versions before 2026-07-28 have a `session`.
    """

    method: str
    params: Mapping[str, Any]
    meta: Mapping[str, Any]
    request: Request
    services: Services
    principal: Principal
    surface: Surface
    client: Client
    is_modern: bool
    notify: Callable[[bytes], None]
    session: Session | None = None
    ask: Callable[[bytes], bool] = _unasked

    @property
    def seen(self) -> Seen:
        """What the client sees."""
        return Seen(self.services, self.principal, self.surface)

    @property
    def log_level(self) -> str | None:
        """Which log messages the client wants; None when it wants none. Raises Refusal."""
        if self.session is not None:
            return self.session.log_level
        level: Any = self.meta.get(protocol.LOG_LEVEL_META_KEY)
        return None if level is None else read_level(level)

    @property
    def on_progress(self) -> Callable[[ToolProgress], None] | None:
        """Who tells the client how far a server is; None for a client that did not ask."""
        token: Any = self.meta.get("progressToken")
        if not isinstance(token, str | int) or isinstance(token, bool) or len(str(token)) > LONGEST_ID:
            return None

        def report(progress: ToolProgress) -> None:
            said: dict[str, Any] = {"progressToken": token, "progress": progress.progress}
            if progress.total is not None:
                said["total"] = progress.total
            if progress.message is not None:
                said["message"] = progress.message
            self.notify(encode_notification("notifications/progress", said))

        return report
