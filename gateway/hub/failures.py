"""Says what went wrong with a server, in words that may be shown to a model and to the operator.

What servers write to standard error stays out of these words: it may hold anything. It is in the status.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from gateway.errors import (
    ToolServerDown,
    ToolServerError,
    ToolServerFault,
    ToolServerNotConnected,
    ToolServerRefusal,
    leaves_of,
)
from gateway.hub.openapi import DocumentFault
from gateway.hub.peer import (
    ConnectionCut,
    CredentialsNeeded,
    PeerClosed,
    PeerError,
    RpcError,
    Unreachable,
)
from sandbox.spec import SandboxError

NETWORK_HINT = (
    "This looks like a lack of network: the server runs in a sandbox without one. "
    "Its operator can open it with `sandbox: {network: open}`."
)

_FORESEEN = (PeerError, SandboxError, DocumentFault, OSError)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt ended.

    `hint` is for the operator. `is_surprise`: nothing foreseen, so its traceback belongs in the log.
    `might_be_era`: a server that cannot stand the modern probe fails just like this.
    """

    reason: str
    hint: str | None = None
    is_surprise: bool = False
    might_be_era: bool = False

    def __str__(self) -> str:
        """The reason and, after it, the hint."""
        return f"{self.reason} ({self.hint})" if self.hint else self.reason


def describe_failure(error: BaseException) -> Failure:
    """An exception that ended an attempt; of a group, the first one that says something."""
    causes = leaves_of(error)
    known = next((cause for cause in causes if isinstance(cause, _FORESEEN)), None)
    match known:
        case PeerError():
            return Failure(known.message, might_be_era=isinstance(known, PeerClosed))
        case DocumentFault():
            problem = known.problem
            return Failure(str(replace(problem, hint=None)), hint=problem.hint)
        case SandboxError():
            return Failure(known.message, hint=known.hint)
        case OSError():
            reason = known.strerror or type(known).__name__
            return Failure(reason, hint=os.fsdecode(known.filename) if known.filename else None)
        case _:
            return Failure(f"unexpected failure ({type(causes[0]).__name__})", is_surprise=True)


def to_tool_server_error(problem: PeerError, *, server: str) -> ToolServerError:
    """What a failed request means to the one who called the tool."""
    if isinstance(problem, CredentialsNeeded):
        message = f"The tool server {server!r} was not called: {problem.message}."
        return ToolServerNotConnected(message, server=server)
    if isinstance(problem, PeerClosed | Unreachable | ConnectionCut):
        return ToolServerDown(f"The tool server {server!r} is down: {problem.message}.", server=server)
    failed = f"The tool server {server!r} failed the call: {problem.message}"
    if isinstance(problem, RpcError):
        message = f"{failed} (JSON-RPC error {problem.code})"
        return ToolServerRefusal(
            message, server=server, code=problem.code, reason=problem.message, data=problem.data
        )
    return ToolServerFault(failed, server=server)
