"""What the hub needs from whoever runs its stdio servers; `sandbox.sandbox.Sandbox` satisfies it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sandbox.spec import Backend, Box, StdioServer
from sandbox.store.prepared import Prepared


class StdioLauncher(Protocol):
    """Prepares and starts stdio servers. Every method raises `sandbox.spec.SandboxError`."""

    async def choose(self, server: StdioServer) -> Backend:
        """The backend that this server will run in."""
        ...

    async def prepare(self, server: StdioServer, on_progress: Callable[[str], None]) -> Prepared:
        """Fetch and install what the server needs. May take minutes the first time; quick afterwards."""
        ...

    def launch(self, server: StdioServer, *, workspace_owner: str | None) -> AbstractAsyncContextManager[Box]:
        """Start it; leaving the context ends it. Without an owner, a wanted workspace is empty and temporary."""
        ...
