"""A server that is killed in the middle of a call, and what has to run out until the call fails."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from gateway.hub.peer import PeerClosed
from gateway.hub.transports.stdio import open_stdio_peer
from sandbox import Box
from tests.support.waits import waits_noted

NOTICED_WITHIN = 0.1
"""Seconds. Of waiting alone: how quick the machine is does not count."""


async def death_in_a_call(box: Box, kill: Callable[[], None]) -> tuple[str, float]:
    """Kill what runs in the box once it has a request. Why that failed, and how long timers were waited for."""
    failed: list[str] = []

    async def ask() -> None:
        with pytest.raises(PeerClosed) as caught:
            await peer.request("tools/call", {"name": "slow"})
        failed.append(caught.value.message)

    with waits_noted() as waits:
        async with open_stdio_peer(box, lambda method, _: heard.set()) as peer, anyio.create_task_group() as tasks:
            heard = anyio.Event()
            tasks.start_soon(ask)
            await heard.wait()
            killed_at = anyio.current_time()
            kill()
            await peer.wait_closed()
            waited = waits.seconds(killed_at)
    (reason,) = failed
    return reason, waited


HEARS = 'import sys\nfor line in sys.stdin: print(\'{"jsonrpc": "2.0", "method": "heard"}\', flush=True)'
"""A program that says so when it is asked something, and never answers."""
