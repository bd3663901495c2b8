"""What is said on the stream of an answer before the answer itself."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from gateway.api.mcp.exchange import Exchange
from gateway.api.mcp.logs import CallLog


class Answer:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def begin(self, status: int, headers: dict[str, str]) -> None:
        pass

    async def write(self, data: bytes, *, more: bool = True) -> None:
        self.written.append(data)


async def test_as_many_log_messages_as_a_call_may_have_reach_its_client_even_all_at_once():
    answer: Any = Answer()
    request: Any = SimpleNamespace(loop=asyncio.get_running_loop())
    exchange = Exchange(request, answer, heartbeat=60, takes_events=True)
    log = CallLog("info", exchange.notify, None)
    for number in range(1000):  # as one read of a pipe may bring them
        log.take({"level": "info", "data": number})
    await exchange.finish(b"{}", 200)
    exchange.close()
    assert len(answer.written) == 1001
    assert b'"data":0' in answer.written[0]
