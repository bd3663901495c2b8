"""What one hostile server does must neither fill the gateway's memory or log nor keep others from their turn."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from gateway.hub import Hub, HubSettings, StdioServerSpec
from gateway.hub.transports.stdio import open_stdio_peer
from sandbox.spec import Exit, StdioServer
from tests.integration.hub.plain_launcher import PlainLauncher
from tests.support.conditions import eventually

HOSTILE = Path(__file__).parent / "servers" / "hostile.py"
SETTINGS = HubSettings(probe_head_start=60.0, first_backoff=0.02, connect_timeout=60.0)


def hostile(way: str) -> StdioServerSpec:
    server = StdioServer("hostile", sys.executable, ("-S", "-E", str(HOSTILE), way))
    return StdioServerSpec("hostile", server)


async def test_changes_announced_without_end_cause_few_listings():
    async with Hub([hostile("storm")], PlainLauncher(), settings=SETTINGS) as hub:
        with anyio.fail_after(60):
            await hub.settled()
            listings, lasted = 1, 0.0
            while listings < 2 or not lasted:
                said = (await hub.call("hostile", "storm", {}, owner="key", timeout=60)).text()
                listings, lasted = int(said.split()[0]), float(said.split()[1])
                await anyio.sleep(0.05)
    assert listings <= 3 + lasted / 0.5, "a hundred announcements in a second, or somewhat more"


async def test_tools_left_out_by_the_thousand_take_a_few_lines_of_the_log(caplog: pytest.LogCaptureFixture):
    async with Hub([hostile("bad-tools")], PlainLauncher(), settings=SETTINGS) as hub:
        with anyio.fail_after(60):
            await hub.settled()
            (status,) = hub.statuses()
        assert (status.tools, len(status.left_out)) == (1, 1000)
    lines = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert len(lines) == 11
    assert lines[-1] == "hostile: 990 more are left out"


class Box:
    """Writes what it was given, then nothing; reads nothing until it is told to."""

    def __init__(self, output: bytes = b"") -> None:
        self._output = [output] if output else []
        self.read = anyio.Event()
        self.received: list[bytes] = []

    async def send(self, data: bytes) -> None:
        self.received.append(data)
        await self.read.wait()

    async def receive(self) -> bytes:
        if self._output:
            return self._output.pop()
        await anyio.sleep_forever()
        raise AssertionError

    def stderr_tail(self) -> tuple[str, ...]:
        return ()

    async def wait(self) -> Exit:
        await anyio.sleep_forever()
        raise AssertionError

    async def kill(self) -> None: ...


async def test_a_server_that_asks_without_reading_is_answered_within_bounds():
    asked = b'{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n' * 200_000
    last = b'{"jsonrpc":"2.0","method":"done"}\n'
    heard: list[str] = []
    box = Box(asked + last)
    with anyio.fail_after(60):
        async with open_stdio_peer(box, lambda method, _: heard.append(method)):
            await eventually(lambda: heard == ["done"])
            box.read.set()
            await eventually(lambda: len(box.received) > 1)
            await anyio.wait_all_tasks_blocked()
    assert 0 < sum(map(len, box.received)) < 5 * 1024 * 1024


async def test_thousands_of_messages_at_once_leave_other_tasks_their_turn():
    many = 20_000
    heard = turns = 0

    def listen(method, params) -> None:
        nonlocal heard
        heard += 1

    with anyio.fail_after(60):
        async with open_stdio_peer(Box(b'{"jsonrpc":"2.0","method":"n"}\n' * many), listen):
            while heard < many:
                turns += 1
                await checkpoint()
    assert turns > 50


async def test_a_request_to_a_server_that_never_reads_is_given_up_like_any_other():
    as_much_as_may_wait = {"text": "x" * (64 * 1024 * 1024 - 100)}
    async with open_stdio_peer(Box(), lambda method, _: None) as peer:
        with anyio.move_on_after(0.2) as patience:
            await peer.request("tools/call", as_much_as_may_wait)
        assert patience.cancelled_caught
