from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import RunRecord, ToolCallRecord, to_json
from gateway.audit.records import run_from_json, tool_call_from_json
from gateway.auth import KeyId, User
from gateway.conversation import Usage

NOW = datetime(2026, 11, 25, 12, 30, 1, 250, tzinfo=UTC)

any_text = st.text(st.characters())  # lone surrogates, NUL and line ends included
times = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
counts = st.integers(0, 2**70)
users = st.none() | st.builds(User, any_text, any_text)
usages = st.builds(Usage, counts, counts, counts, counts, counts)

runs = st.builds(
    RunRecord,
    run_id=any_text,
    key_id=any_text.map(KeyId),
    model=any_text,
    started=times,
    ended=times,
    outcome=any_text,
    dialect=any_text,
    rounds=counts,
    calls=counts,
    usage=st.none() | usages,
    client=st.none() | any_text,
    user=users,
)
calls = st.builds(
    ToolCallRecord,
    at=times,
    run_id=any_text,
    call_id=any_text,
    key_id=any_text.map(KeyId),
    requested=any_text,
    verdict=any_text,
    outcome=any_text,
    duration_seconds=st.floats(0, 1e9),
    arguments_sha256=any_text,
    arguments_bytes=counts,
    round=st.none() | counts,
    server=st.none() | any_text,
    tool=st.none() | any_text,
    rule=st.none() | any_text,
    reason=st.none() | any_text,
    may_write=st.booleans(),
    is_error=st.booleans(),
    targets=st.dictionaries(any_text, st.lists(any_text, max_size=3).map(tuple), max_size=3),
    result_bytes=counts,
    result_was_cut=st.booleans(),
    escaped=counts,
    user=users,
)


@given(runs)
def test_a_run_comes_back_as_it_was(run: RunRecord):
    assert run_from_json(to_json(run)) == run


@given(calls)
def test_a_tool_call_comes_back_as_it_was(call: ToolCallRecord):
    assert tool_call_from_json(to_json(call)) == call


@given(st.one_of(runs, calls))
def test_a_record_is_one_line_of_utf_8_that_begins_with_its_kind(event: RunRecord | ToolCallRecord):
    line = to_json(event)
    assert line.startswith(b'{"kind":"%b",' % event.kind.encode())
    assert len(line.decode().splitlines()) == 1 or b"\n" not in line
    assert b"\r" not in line
    assert b"\0" not in line


def test_times_are_rfc_3339_in_utc_to_the_microsecond():
    run = RunRecord("run_1", KeyId("k"), "m", NOW, NOW + timedelta(seconds=1), "ok", "openai_chat")
    fields = orjson.loads(to_json(run))
    assert (fields["started"], fields["ended"]) == ("2026-11-25T12:30:01.000250Z", "2026-11-25T12:30:02.000250Z")
    assert fields["kind"] == "run"
