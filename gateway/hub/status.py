"""How each server is doing, for people and for readiness checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.hub.drift import Drift
from gateway.hub.entries import BadEntry
from gateway.hub.session import Era
from sandbox.spec import BackendName

ServerState = Literal["starting", "ready", "down", "disabled"]
"""`starting` until the first attempt has succeeded or failed; from then on `ready` or `down`."""

TransportName = Literal["stdio", "http", "sse", "in_process", "openapi"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server at one moment. `since` is when this state began, in seconds since the epoch (UTC).

    `tools`, `resources` (with their templates) and `prompts` count what is on offer; `left_out` is what the
    server lists and cannot be offered; `drift` has what is not as it was locked. `error` says why the server is
    down, or why it last was; `activity` what it is busy with while being prepared. `instances` counts the running
    ones of a server with a workspace. `said` has the last messages that it logged to its clients.
    """

    name: str
    transport: TransportName
    state: ServerState
    since: float
    era: Era | None = None
    tools: int = 0
    resources: int = 0
    prompts: int = 0
    left_out: tuple[BadEntry, ...] = ()
    drift: tuple[Drift, ...] = ()
    error: str | None = None
    activity: str | None = None
    stderr_tail: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    sandbox: BackendName | None = None
    instances: int = 0
