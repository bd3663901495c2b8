"""Runs a process confined: in a container, in bubblewrap, or, only when asked for by name, on the bare host."""

from sandbox.network_failures import explains_network_failure
from sandbox.opening import open_sandbox
from sandbox.sandbox import Sandbox
from sandbox.spec import (
    Availability,
    Backend,
    BackendName,
    Box,
    BoxSpec,
    Exit,
    Limits,
    Mount,
    Network,
    Root,
    SandboxError,
    StdioServer,
)
from sandbox.store import OnProgress, PackageStore, Prepared, parse_mount

__all__ = [
    "Availability",
    "Backend",
    "BackendName",
    "Box",
    "BoxSpec",
    "Exit",
    "Limits",
    "Mount",
    "Network",
    "OnProgress",
    "PackageStore",
    "Prepared",
    "Root",
    "Sandbox",
    "SandboxError",
    "StdioServer",
    "explains_network_failure",
    "open_sandbox",
    "parse_mount",
]
