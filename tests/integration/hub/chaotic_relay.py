"""A relay between the hub and a server that cuts, delays and stops in the middle, as a seed says."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ByteStream, SocketAttribute

_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
_FAULTS = ("none", "none", "none", "cut", "short", "late")


@dataclass
class Relay:
    """`port` is where it listens. While `is_calm` everything passes as it is."""

    target: int
    dice: random.Random
    port: int = 0
    is_calm: bool = True
    faults: int = 0

    async def handle(self, client: ByteStream) -> None:
        with suppress(*_GONE):
            async with (
                client,
                await anyio.connect_tcp("127.0.0.1", self.target) as server,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(self._pass_on, client, server, tasks.cancel_scope)
                tasks.start_soon(self._pass_on, server, client, tasks.cancel_scope)

    async def _pass_on(self, source: ByteStream, sink: ByteStream, scope: anyio.CancelScope) -> None:
        with suppress(*_GONE):
            while True:
                data = await source.receive()
                fault = None if self.is_calm else self.dice.choice(_FAULTS)
                self.faults += fault in ("cut", "short")
                if fault == "late":
                    await anyio.sleep(self.dice.random() * 0.02)
                if fault == "short":
                    await sink.send(data[: self.dice.randrange(len(data))] or data[:1])
                if fault in ("cut", "short"):
                    break
                await sink.send(data)
        scope.cancel()


@asynccontextmanager
async def relay_to(port: int, *, seed: int) -> AsyncGenerator[Relay]:
    relay = Relay(port, random.Random(seed))
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        relay.port = listener.extra(SocketAttribute.local_port)
        tasks.start_soon(listener.serve, relay.handle)
        yield relay
        tasks.cancel_scope.cancel()
