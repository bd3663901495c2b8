"""Boxes of each kind that run Python code, from a root that is assembled once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from sandbox import Backend, Box, BoxSpec, Exit, Root
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.docker import DockerBackend
from sandbox.roots import RuntimeRoots

DEADLINE_SECONDS = 60
BACKENDS = {"docker": DockerBackend, "bubblewrap": BubblewrapBackend}
BOTH = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in BACKENDS]


class Boxes:
    """Starts boxes that run Python code, from a root that is assembled once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._cache = home / "cache"

    async def root(self) -> Root:
        return await RuntimeRoots(self._cache).ensure("python")

    @asynccontextmanager
    async def start(self, backend: Backend, code: str, *args: str, **options) -> AsyncGenerator[Box]:
        spec = BoxSpec("probe", ("/usr/bin/python3", "-c", code, *args), await self.root(), **options)
        with anyio.fail_after(DEADLINE_SECONDS):
            async with backend.start(spec) as box:
                yield box

    async def run(self, backend: Backend, code: str, *args: str, **options) -> tuple[str, Exit, tuple[str, ...]]:
        """Run to the end; the output, the end, and the last lines of standard error."""
        async with self.start(backend, code, *args, **options) as box:
            output = await read_all(box)
            ended = await box.wait()
        return output.decode(), ended, box.stderr_tail()


async def read_all(box: Box) -> bytes:
    output = bytearray()
    try:
        while True:
            output += await box.receive()
    except anyio.EndOfStream:
        return bytes(output)
