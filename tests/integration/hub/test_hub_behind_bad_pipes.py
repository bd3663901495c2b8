"""Stdio servers whose output is torn, doubled, late and drowned in noise, or who close their ends of the pipes."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from gateway.hub import Hub, HubSettings, StdioServerSpec
from sandbox.opening import open_sandbox
from sandbox.spec import StdioServer
from tests.integration.hub.plain_launcher import SCRIPTED
from tests.integration.hub.storms import storm
from tests.support.conditions import eventually
from tests.support.leftovers import nothing_left

PIPE = Path(__file__).parent / "servers" / "chaotic_pipe.py"
SETTINGS = HubSettings(probe_head_start=1.0, first_backoff=0.02, longest_backoff=0.1, connect_timeout=20.0)
IMPATIENT = replace(SETTINGS, connect_timeout=3.0)
"""For servers that may stop to answer while they are being listed."""
HARMLESS = "twice stranger noise late pieces loud"
HARMFUL = "cut broken lost dead mute deaf"
WAITED_FOR = ("broken", "lost", "deaf")
"""What costs some calls the whole of their time."""
both_eras = pytest.mark.parametrize("era", ["modern", "legacy"])


def on_the_host(name: str, *command: str) -> StdioServerSpec:
    return StdioServerSpec(name, StdioServer(name, sys.executable, command, backend="host"))


class Chaos:
    """A hub with a server behind a bad pipe, and an innocent one beside it."""

    def __init__(self, hub: Hub, file: Path) -> None:
        self.hub = hub
        self._file = file

    def choose(self, faults: str) -> None:
        self._file.write_text(faults)

    async def is_well_again(self) -> None:
        """Once the pipe is as it should be the server is ready, and every call succeeds."""
        self.choose("")
        with anyio.fail_after(60):
            while not (await storm(self.hub, "chaotic", "innocent", calls=4)).answered:
                await anyio.sleep(0.02)
            await eventually(lambda: {status.state for status in self.hub.statuses()} == {"ready"})
        assert not (await storm(self.hub, "chaotic", "innocent", timeout=50)).reasons


@asynccontextmanager
async def chaos(
    folder: Path, *, era: str = "modern", seed: int = 1, settings: HubSettings = IMPATIENT
) -> AsyncGenerator[Chaos]:
    file = folder / "faults"
    file.write_text("")
    server = ("-S", "-E", str(SCRIPTED), "--era", era, "--folder", str(folder))
    behind = ("-S", "-E", str(PIPE), str(seed), str(file), sys.executable, *server)
    sandbox = open_sandbox(state_dir=folder / "state", cache_dir=folder / "cache", backends=["host"])
    specs = [on_the_host("chaotic", *behind), on_the_host("innocent", *server)]
    async with nothing_left(str(folder)), Hub(specs, sandbox, settings=settings) as hub:
        await hub.settled()
        yield Chaos(hub, file)


@both_eras
async def test_what_can_be_read_in_spite_of_all_costs_no_call(tmp_path: Path, era: str):
    async with chaos(tmp_path, era=era, settings=SETTINGS) as it:
        it.choose(HARMLESS)
        assert not (await storm(it.hub, "chaotic", "innocent", timeout=50)).reasons
        assert {status.state for status in it.hub.statuses()} == {"ready"}
        assert all(status.error is None for status in it.hub.statuses()), "no connection was lost"


@pytest.mark.parametrize(("era", "seed"), [("modern", 1), ("legacy", 2)])
async def test_every_call_ends_with_its_own_answer_or_a_reason(tmp_path: Path, era: str, seed: int):
    async with chaos(tmp_path, era=era, seed=seed) as it:
        it.choose(f"{HARMLESS} {HARMFUL}")
        outcome = await storm(it.hub, "chaotic", "innocent")
        assert outcome.reasons
        await it.is_well_again()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("mute", "it closed its standard output"),
        ("deaf", "it closed its standard input"),
        ("dead", "its process ended: exit code 9|it closed its standard output"),
        ("huge", "the answer is larger than 8388608 bytes"),
        ("broken", "the answer is not valid JSON"),
        ("lost", "did not answer within 0.5 s"),
    ],
)
async def test_each_fault_is_told_by_its_name_and_is_over_once_it_is_mended(
    tmp_path: Path, fault: str, reason: str
):
    async with chaos(tmp_path) as it:
        it.choose(fault)
        calls, timeout = 8 if fault == "huge" else 20, 0.5 if fault in WAITED_FOR else 20
        outcome = await storm(it.hub, "chaotic", "innocent", calls=calls, one_by_one=2, timeout=timeout)
        assert outcome.told(reason), outcome.reasons
        await it.is_well_again()
