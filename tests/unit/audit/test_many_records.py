from __future__ import annotations

from pathlib import Path

from gateway.audit import open_trail
from gateway.store import open_database, sqlite
from gateway.telemetry import Metrics

from .audit_events import a_call, a_run, url


async def test_a_batch_of_several_statements_keeps_every_record_in_its_order(tmp_path: Path):
    count = 2 * (sqlite.MOST_VALUES // 4) + 1
    async with open_database(url(tmp_path / "t.db")) as database, open_trail(database, Metrics()) as trail:
        for number in range(count):
            await trail.record(a_run(number))
            await trail.record(a_call(1, f"c{number}"))
        await trail.flush()
        assert [run.run_id for run in await trail.runs(limit=1000)] == [
            f"run_{number}" for number in reversed(range(count))
        ]
        assert [call.call_id for call in await trail.calls("run_1")] == [f"c{number}" for number in range(count)]
