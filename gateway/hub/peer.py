"""The seam between MCP and its transports: one JSON-RPC peer.

Above: `gateway.hub.session` speaks MCP through it. Below: `gateway.hub.transports`. Refuses to know: tools,
catalogues, reconnecting.

Raw JSON values pass through as they are; typing every result would cost more than the rest of a call and
would lose whole results over one odd field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.meanwhile import SILENCE, Meanwhile

JsonObject = Mapping[str, Any]
NotificationListener = Callable[[str, JsonObject], None]
"""Told of each notification's method and params, in order. Must be quick and must not raise."""


class PeerError(Exception):
    """A request got no result.

    PeerError
    ├── RpcError                the peer answered with a JSON-RPC error
    ├── RequestFault            this request failed; the peer may be well
    │   ├── ConnectionCut       its connection broke before the answer: it may have been executed
    │   └── Unreachable         no connection could be made: it was not executed
    ├── CredentialsNeeded       it was not executed, for want of credentials that somebody has to give
    └── PeerClosed              the peer is gone, and every request to it has failed
        └── SessionLost         it no longer knows our session: the request was not executed
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RpcError(PeerError):
    """A JSON-RPC error object: its `code`, `message` and `data`."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class RequestFault(PeerError):
    """This request failed; others are not affected."""


class ConnectionCut(RequestFault):
    """The connection of this request broke before its answer was whole."""


class Unreachable(RequestFault):
    """No connection could be made."""


class CredentialsNeeded(PeerError):
    """There are no credentials for this request, and a person has to do something about it."""


class PeerClosed(PeerError):
    """The peer is gone."""


class SessionLost(PeerClosed):
    """The server does not know our session any more."""


class Peer(Protocol):
    """One JSON-RPC peer. Requests may be made from any task, many at once."""

    @property
    def is_closed(self) -> bool:
        """Whether it is gone: a request made now would not be sent."""
        ...

    def speak(self, version: str) -> None:
        """Set the protocol version, for transports that send it beside each message; empty before there is one."""
        ...

    def hears_logs(self) -> bool:
        """Whether log messages of a request that is made now can be told from those of all others."""
        ...

    async def request(
        self,
        method: str,
        params: JsonObject,
        *,
        meanwhile: Meanwhile = SILENCE,
        headers: Mapping[str, str] | None = None,
        authorizer: Authorizer | None = None,
    ) -> JsonObject:
        """Send a request and wait for its result. Raises PeerError.

        Cancelling the caller tells the server to stop, in the way that the transport and version ask for.
        `meanwhile` hears what the server says of the request, as far as the transport can tell.
        `headers` go with the message where the transport has such a thing, and what `authorizer` gives in the
        place of the peer's own credentials. There is no deadline here: the caller sets it.
        """
        ...

    async def notify(self, method: str, params: JsonObject | None = None) -> None:
        """Send a notification. Raises PeerError."""
        ...

    async def follow(self, on_open: Callable[[], None]) -> None:
        """Receive notifications that the transport does not deliver unasked; returns when there are none.

        `on_open` is told when from now on none is missed.
        """
        ...

    async def wait_closed(self) -> str:
        """Wait until the peer is gone; why, as a phrase for people."""
        ...

    def close(self, reason: str) -> None:
        """Fail every pending request with PeerClosed. Does nothing the second time."""
        ...

    def diagnostics(self) -> tuple[str, ...]:
        """The last lines that the server wrote for people, oldest first."""
        ...
