"""A container's box without a container: the engine and the stream are of a few lines here."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio
import docker.errors
import pytest

from sandbox.background import in_background
from sandbox.docker import box as box_module
from sandbox.docker.attach import Attached
from sandbox.docker.box import DockerBox
from sandbox.spec import Exit

RUNNING = {"State": {"Status": "running"}}
KILLED = {"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": False}}


def frame(payload: bytes, stream: int = 1) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


class FakeEngine:
    """Answers what `state` says, an exception by raising it; counts how often it is asked."""

    def __init__(self, state):
        self.state = state
        self.asked = 0

    async def call(self, function):
        await anyio.lowlevel.checkpoint()
        return function(SimpleNamespace(inspect_container=self.inspect, kill=self.kill))

    def inspect(self, name):
        self.asked += 1
        if isinstance(self.state, Exception):
            raise self.state
        return self.state

    def kill(self, name):
        self.state = KILLED


@asynccontextmanager
async def running(engine, first=b""):
    """The box, and the stream on which the engine sends its output."""
    sending, receiving = anyio.create_memory_object_stream[bytes](100)
    stream = SimpleNamespace(receive=lambda most: receiving.receive(), send=None)
    box = DockerBox(engine, "c", Attached(stream, first))
    async with sending, receiving:
        try:
            with anyio.fail_after(60):
                async with in_background(box.pump):
                    yield box, sending
        finally:
            box.close()


async def test_what_came_with_the_engines_answer_is_not_lost():
    async with running(FakeEngine(KILLED), first=frame(b"first")[:10]) as (box, engine_side):
        await engine_side.send(frame(b"first")[10:] + frame(b"oops\n", 2))
        assert await box.receive() == b"fi"
        assert await box.receive() == b"rst"
        await engine_side.aclose()
        with pytest.raises(anyio.EndOfStream):
            await box.receive()
        assert await box.wait() == Exit(137, "ended by SIGKILL")
        assert box.stderr_tail() == ("oops",)
        with pytest.raises(anyio.BrokenResourceError):
            await box.send(b"x")


async def test_waiting_for_an_idle_box_does_not_bother_the_engine(monkeypatch):
    monkeypatch.setattr(box_module, "_STUCK_POLL_SECONDS", 0.001)
    engine = FakeEngine(RUNNING)
    async with running(engine) as (box, _):
        with anyio.move_on_after(0.05):
            await box.wait()
    assert engine.asked == 0


async def test_where_nobody_reads_the_engine_is_asked_for_the_end(monkeypatch):
    monkeypatch.setattr(box_module, "_STUCK_POLL_SECONDS", 0.001)
    engine = FakeEngine(KILLED)
    async with running(engine) as (box, engine_side):
        for _ in range(50):
            await engine_side.send(frame(b"unread"))
        assert (await box.wait()).code == 137


async def test_a_program_that_closes_its_output_is_waited_for():
    engine = FakeEngine(RUNNING)
    async with running(engine) as (box, engine_side):
        await engine_side.aclose()
        while engine.asked < 2:
            await anyio.sleep(0.001)
        engine.state = KILLED
        assert (await box.wait()).code == 137


@pytest.mark.parametrize(
    "failure",
    [
        docker.errors.NotFound("gone", response=SimpleNamespace(status_code=404, url="", reason="")),
        OSError("refused"),
    ],
)
async def test_a_container_that_the_engine_lost_has_ended(failure):
    async with running(FakeEngine(failure)) as (box, engine_side):
        await engine_side.aclose()
        ended = await box.wait()
        assert ended.code is None
        assert "lost" in ended.reason


async def test_a_stream_that_makes_no_sense_ends_the_output(caplog):
    async with running(FakeEngine(KILLED)) as (box, engine_side):
        await engine_side.send(b"HTTP/1.1 500")
        with pytest.raises(anyio.EndOfStream):
            await box.receive()
        await box.wait()
    assert "cannot be read" in caplog.text


async def test_kill_waits_for_the_end_and_is_harmless_afterwards():
    engine = FakeEngine(RUNNING)
    async with running(engine) as (box, engine_side):
        await box.kill()
        assert await box.wait() == Exit(137, "ended by SIGKILL")
        asked = engine.asked
        await box.kill()
        assert engine.asked == asked
        await engine_side.aclose()
