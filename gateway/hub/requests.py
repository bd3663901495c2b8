"""A request to a server: what is asked, and on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.jsonrpc import object_in
from gateway.hub.meanwhile import SILENCE, Meanwhile
from gateway.hub.protocol import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    RESERVED_META_PREFIX,
)

_TRACE_KEYS = ("traceparent", "tracestate", "baggage")
_PROGRESS_TOKEN = "progressToken"  # noqa: S105 - a field of MCP


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that a request is made for, as a server of 2026-07-28 is told of it with every request.

    One connection serves many clients, so what they can do is said with each request and never once for all.
    Servers of older versions are told nothing of it but `trace`: the W3C trace context, by its header names.
    """

    capabilities: Mapping[str, Any] = field(default_factory=dict[str, Any])
    client_info: Mapping[str, Any] | None = None
    log_level: str | None = None
    trace: Mapping[str, str] = field(default_factory=dict[str, str])

    def meta(self) -> dict[str, Any]:
        """What the `_meta` of a modern request says of this client."""
        said: dict[str, Any] = {CLIENT_CAPABILITIES_META_KEY: self.capabilities}
        if self.client_info is not None:
            said[CLIENT_INFO_META_KEY] = self.client_info
        if self.log_level is not None:
            said[LOG_LEVEL_META_KEY] = self.log_level
        return said

    def trace_meta(self) -> dict[str, Any]:
        """The trace context, as every version carries it."""
        return {key: self.trace[key] for key in _TRACE_KEYS if key in self.trace}


NOBODY = Caller()
"""The gateway itself: a client that can do nothing but take results."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. `timeout` is in seconds, waiting included.

    `authorizer` gives the credentials of whoever asks, where they are not the same for everybody.
    """

    method: str
    params: Mapping[str, Any]
    timeout: float
    caller: Caller = NOBODY
    meanwhile: Meanwhile = SILENCE
    authorizer: Authorizer | None = None

    def own_meta(self) -> dict[str, Any]:
        """The `_meta` in the params, without what a connection says for itself."""
        meta = object_in(self.params, "_meta")
        return {
            key: value
            for key, value in meta.items()
            if key != _PROGRESS_TOKEN and not key.startswith(RESERVED_META_PREFIX)
        }


@dataclass(frozen=True, slots=True)
class GivenInput:
    """The answer to an `InputRequired`: what was asked for, by the same keys, and the state as it was."""

    responses: Mapping[str, Any] | None = None
    state: str | None = None

    def params(self) -> dict[str, Any]:
        """What a repeated request says of it."""
        said = {"inputResponses": self.responses, "requestState": self.state}
        return {key: value for key, value in said.items() if value is not None}


def call_request(
    tool: str,
    arguments: Mapping[str, Any],
    timeout: float,
    *,
    caller: Caller = NOBODY,
    meanwhile: Meanwhile = SILENCE,
    given: GivenInput | None = None,
) -> Request:
    """A call of a tool by the server's own name for it."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments}
    if given is not None:
        params |= given.params()
    return Request("tools/call", params, timeout, caller, meanwhile)
