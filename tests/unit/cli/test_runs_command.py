from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio.from_thread
import pytest
from anyio.from_thread import BlockingPortal

from gateway.audit import AuditTrail, RunRecord, ToolCallRecord, open_trail
from gateway.auth import KeyId, User
from gateway.conversation import Usage
from gateway.store import open_database
from gateway.telemetry import Metrics
from tests.support.shells import Shell

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def run_record(number: int, key: str = "agent-1") -> RunRecord:
    return RunRecord(
        run_id=f"run_{number}",
        key_id=KeyId(key),
        model="tiny",
        started=NOON + timedelta(minutes=number),
        ended=NOON + timedelta(minutes=number, seconds=1.5),
        outcome="ok",
        dialect="openai_chat",
        rounds=2,
        calls=1,
        usage=Usage(30, 12),
        client="curl/8\\u{1b}[2J",
    )


def call_record(number: int) -> ToolCallRecord:
    return ToolCallRecord(
        at=NOON,
        run_id=f"run_{number}",
        call_id="call_1",
        key_id=KeyId("agent-1"),
        requested="files__write_file",
        verdict="deny",
        outcome="denied",
        duration_seconds=0.25,
        arguments_sha256="00",
        arguments_bytes=2,
        server="files",
        tool="write_file",
        rule="readers/inside-workspace",
        targets={"path": ("/etc/passwd",)},
    )


class Recorder:
    """A trail that is open in another thread, as in a gateway that runs."""

    def __init__(self, portal: BlockingPortal, trail: AuditTrail) -> None:
        self._portal = portal
        self._trail = trail

    def record(self, *records: RunRecord | ToolCallRecord) -> None:
        for record in records:
            self._portal.call(self._trail.record, record)
        self._portal.call(self._trail.flush)


@pytest.fixture
def recorder(configured: Shell) -> Iterator[Recorder]:
    url = f"sqlite:///{configured.folder / 'state' / 'toolgate.db'}"
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_database(url)) as database,
        portal.wrap_async_context_manager(open_trail(database, Metrics())) as trail,
    ):
        yield Recorder(portal, trail)


def test_the_latest_runs_come_first_while_a_gateway_writes(recorder: Recorder, configured: Shell):
    recorder.record(*map(run_record, (1, 2, 3)))
    ended = configured.run("runs", "list", "--limit", "2")
    assert ended.status == 0
    heads, first, second = ended.out.splitlines()
    assert heads.split() == ["ENDED", "RUN", "KEY", "MODEL", "OUTCOME", "ROUNDS", "CALLS", "TOKENS", "SECONDS"]
    assert first.split()[2:] == ["run_3", "agent-1", "tiny", "ok", "2", "1", "42", "1.50"]
    assert "run_2" in second


def test_listing_is_what_happens_without_a_subcommand(recorder: Recorder, configured: Shell):
    recorder.record(run_record(1), run_record(2, key="other"))
    assert configured.run("runs").out == configured.run("runs", "list").out
    told = configured.run("runs", "--json", "--key", "other").json["runs"]
    assert [run["run_id"] for run in told] == ["run_2"]
    assert told[0]["usage"]["input_tokens"] == 30


def test_users_are_shown_where_some_are_known(recorder: Recorder, configured: Shell):
    ann = replace(run_record(2), user=User("https://id.example", "ann\u202e"))
    recorder.record(run_record(1), ann)
    heads, first, second = configured.run("runs").out.splitlines()
    assert heads.split()[2:5] == ["KEY", "USER", "MODEL"]
    assert first.split()[3:6] == ["agent-1", "ann\\u{202e}", "tiny"]
    assert second.split()[3:6] == ["agent-1", "-", "tiny"]
    assert "user     ann\\u{202e}, as https://id.example has it" in configured.run("runs", "show", "run_2").out
    shown = configured.run("runs", "show", "run_2", "--json").json["run"]["user"]
    assert shown == {"issuer": "https://id.example", "subject": "ann\u202e"}


def test_a_run_is_shown_with_its_calls(recorder: Recorder, configured: Shell):
    recorder.record(call_record(1), run_record(1))
    ended = configured.run("runs", "show", "run_1")
    assert "tokens   30 in, 12 out" in ended.out
    assert "took     1.500 s" in ended.out
    call = ended.out.splitlines()[-1].split()
    assert call == ["files/write_file", "deny", "readers/inside-workspace", "denied", "0.250", "/etc/passwd"]
    told = configured.run("runs", "show", "run_1", "--json").json
    assert told["run"]["rounds"] == 2
    assert told["tool_calls"][0]["targets"] == {"path": ["/etc/passwd"]}


def test_a_run_that_is_not_there_is_a_failure(recorder: Recorder, configured: Shell):
    ended = configured.run("runs", "show", "run_9")
    assert ended.status == 1
    assert "there is no run 'run_9'" in ended.err


def test_looking_makes_no_database(configured: Shell):
    ended = configured.run("runs")
    assert (ended.status, ended.out, ended.err) == (0, "", "there are no runs yet\n")
    assert configured.run("runs", "--json").json == {"runs": []}
    assert not (configured.folder / "state").exists()


def test_a_database_that_is_none_is_named(configured: Shell):
    configured.write({"state/toolgate.db": b"not a database" * 100})
    ended = configured.run("runs")
    assert ended.status == 1
    assert str(Path("state/toolgate.db")) in ended.err
