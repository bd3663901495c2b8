"""Records to write, and a process that writes many of them."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from gateway.audit import RunRecord, ToolCallRecord, now, open_trail
from gateway.auth import KeyId
from gateway.store import open_database
from gateway.telemetry import Metrics


def a_run(number: int = 1, key: str = "agent") -> RunRecord:
    return RunRecord(f"run_{number}", KeyId(key), "tiny", now(), now(), "ok", "openai_chat", rounds=1)


def a_call(run: int = 1, call: str = "c1") -> ToolCallRecord:
    return ToolCallRecord(
        at=now(),
        run_id=f"run_{run}",
        call_id=call,
        key_id=KeyId("agent"),
        requested="files__read",
        verdict="allow",
        outcome="ok",
        duration_seconds=0.5,
        arguments_sha256="00",
        arguments_bytes=2,
    )


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def write_many(folder: Path, first: int, count: int) -> None:
    """Record `count` runs, and say now and then, on standard output, up to which one they are written."""
    async with (
        open_database(url(folder / "t.db")) as database,
        open_trail(database, Metrics(), folder / "audit.jsonl") as trail,
    ):
        for number in range(first, first + count):
            await trail.record(a_run(number))
            if number % 50 == 0:
                await trail.flush()
                print(number, flush=True)


if __name__ == "__main__":
    anyio.run(write_many, Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
