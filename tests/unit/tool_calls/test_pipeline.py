from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from gateway.conversation import Text
from gateway.errors import ToolCallTimeout, ToolServerDown, ToolServerFault, ToolServerNotConnected
from gateway.hub import CallResult, ToolProgress

from .conftest import FakeDecision, Harness


async def test_a_call_by_wire_name_reaches_the_server_under_the_servers_own_name(harness: Harness):
    outcome = await harness.call("files__read_file", '{"path": "a.txt"}')
    assert harness.servers.calls == [("files", "read_file", {"path": "a.txt"}, "agent")]
    assert (outcome.verdict, outcome.outcome, outcome.is_error) == ("allow", "ok", False)
    assert outcome.content == (Text("fine"),)


async def test_a_call_by_qualified_name_is_the_same_call(harness: Harness):
    outcome = await harness.call("files/read_file", {"path": "a.txt"})
    assert outcome.qualified == "files/read_file"
    assert harness.servers.calls == [("files", "read_file", {"path": "a.txt"}, "agent")]


async def test_a_hidden_tool_answers_exactly_as_one_that_does_not_exist(harness: Harness):
    harness.policy.hidden = frozenset({"files/write_file"})
    hidden = await harness.call("files__write_file")
    harness.policy.hidden = frozenset()
    harness.servers.catalogue = type(harness.servers.catalogue)()
    missing = await harness.call("files__write_file")
    assert hidden.content == missing.content
    assert hidden.outcome == missing.outcome == "unknown_tool"
    assert hidden.server is missing.server is None
    assert harness.servers.calls == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        ("[1]", "must be a JSON object, not a list"),
        ("null", "not null"),
        ('{"path": "a", "path": "b"}', "'path' is given twice"),
        ('{"path": NaN}', "NaN is not a JSON number"),
        ('{"path": "\\ud800"}', "cannot be sent as JSON"),
        ('{"head": 99999999999999999999999}', "cannot be sent as JSON"),
        ('{"a":' * 70 + "1" + "}" * 70, "nested deeper than 64"),
        ("[" * 100_000, "nested deeper than 64"),
        ('{"path": "' + "x" * 1024 * 1024 + '"}', "larger than 1048576 bytes"),
    ],
)
async def test_arguments_that_cannot_be_sent_go_back_to_the_model(harness: Harness, text: str, told: str):
    outcome = await harness.call("files__read_file", text)
    assert (outcome.verdict, outcome.outcome, outcome.ran) == ("invalid", "invalid_arguments", False)
    assert told in outcome.text
    assert harness.servers.calls == []


async def test_empty_argument_text_is_an_empty_object(harness: Harness):
    outcome = await harness.call("files__write_file", "")
    assert outcome.outcome == "ok"
    assert harness.servers.calls[0][2] == {}


async def test_arguments_against_the_schema_are_named_with_their_paths(harness: Harness):
    outcome = await harness.call("files__read_file", '{"head": "ten", "tail": 1}')
    assert outcome.outcome == "invalid_arguments"
    assert "head: 'ten' is not of type 'integer'" in outcome.text
    assert "'path' is a required property" in outcome.text
    assert "'tail' was unexpected" in outcome.text
    assert harness.policy.judged == []


async def test_the_policy_judges_the_arguments_that_are_sent(harness: Harness):
    await harness.call("files__read_file", '{"path": "a"}')
    assert harness.policy.judged[0] is harness.servers.calls[0][2]


async def test_a_denied_call_is_not_sent_and_tells_the_model_only_the_safe_words(harness: Harness):
    harness.policy.decision = FakeDecision(
        "deny", "readers/inside", "Refused by rule readers/inside.", "secret why"
    )
    outcome = await harness.call("files__read_file", '{"path": "/etc/passwd"}')
    assert (outcome.verdict, outcome.outcome, outcome.rule) == ("deny", "denied", "readers/inside")
    assert outcome.text == "Refused by rule readers/inside."
    assert harness.servers.calls == []
    assert harness.record.reason == "secret why"


async def test_a_call_that_needs_approval_is_refused_and_says_so(harness: Harness):
    harness.policy.decision = FakeDecision("ask")
    outcome = await harness.call("files__read_file", '{"path": "a"}')
    assert (outcome.verdict, outcome.outcome) == ("ask", "denied")
    assert "approval" in outcome.text
    assert harness.servers.calls == []


async def test_a_policy_that_fails_denies(harness: Harness, caplog: pytest.LogCaptureFixture):
    harness.policy.fails = True
    outcome = await harness.call("files__read_file", '{"path": "a"}')
    assert (outcome.verdict, outcome.rule) == ("deny", "policy-error")
    assert harness.servers.calls == []
    assert "a defect" in caplog.text
    assert "a defect" not in outcome.text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ToolServerDown("The server died.", server="files"), "server_down"),
        (ToolCallTimeout("No answer.", server="files"), "timeout"),
        (ToolServerFault("It said \x1b[31mno.", server="files"), "server_fault"),
        (ToolServerNotConnected("Sign in first.", server="files"), "not_connected"),
    ],
)
async def test_a_server_that_fails_ends_the_call_as_a_tool_error(harness: Harness, error: Exception, kind: str):
    async def fail(arguments: Mapping[str, Any]) -> CallResult:
        raise error

    harness.servers.answer = fail
    outcome = await harness.call("files__write_file")
    assert (outcome.outcome, outcome.verdict, outcome.is_error) == (kind, "allow", True)
    assert outcome.ran is (kind != "not_connected")
    assert str(error).replace("\x1b", "\\u{1b}") in outcome.text


async def test_a_tool_that_fails_is_a_result(harness: Harness):
    async def fail(arguments: Mapping[str, Any]) -> CallResult:
        return CallResult(({"type": "text", "text": "no such file"},), is_error=True)

    harness.servers.answer = fail
    outcome = await harness.call("files__read_file", '{"path": "a"}')
    assert (outcome.outcome, outcome.is_error, outcome.text) == ("tool_error", True, "no such file")


async def test_progress_messages_are_made_harmless(harness: Harness):
    harness.servers.progress = [ToolProgress(1, 2, "half\n\x1b[2J")]
    seen: list[ToolProgress] = []
    await harness.call("files__write_file", on_progress=seen.append)
    assert seen == [ToolProgress(1, 2, "half\\u{a}\\u{1b}[2J")]


async def test_the_limiter_caps_the_calls_that_run_at_once(harness: Harness):
    running, most = 0, 0
    entered = anyio.Semaphore(0)
    release = anyio.Event()

    async def work(arguments: Mapping[str, Any]) -> CallResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        entered.release()
        await release.wait()
        running -= 1
        return CallResult(())

    harness.servers.answer = work
    limiter = anyio.CapacityLimiter(2)

    async def call(number: int) -> None:
        await harness.call("files__write_file", {"number": number}, limiter=limiter)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(call, number)
        with anyio.fail_after(60):
            await entered.acquire()
            await entered.acquire()
        await anyio.wait_all_tasks_blocked()
        assert limiter.statistics().tasks_waiting == 3
        release.set()
    assert most == 2
    assert len(harness.trail.records) == 5


async def _cancel_once_begun(harness: Harness, tool: str, finish: anyio.Event) -> tuple[list[Any], bool]:
    """Call `tool`, cancel the caller when the server has begun, and let the server finish by `finish`."""
    begun = anyio.Event()
    outcomes: list[Any] = []

    async def work(arguments: Mapping[str, Any]) -> CallResult:
        begun.set()
        await finish.wait()
        return CallResult(())

    harness.servers.answer = work
    scope = anyio.CancelScope()

    async def caller() -> None:
        with scope:
            outcomes.append(await harness.call(tool, '{"path": "a"}'))

    async with anyio.create_task_group() as group:
        group.start_soon(caller)
        with anyio.fail_after(60):
            await begun.wait()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        waited = not harness.trail.records
        finish.set()
    return outcomes, waited


async def test_a_read_only_call_is_cancelled_with_its_caller_and_recorded(harness: Harness):
    outcomes, waited = await _cancel_once_begun(harness, "files__read_file", anyio.Event())
    assert outcomes == []
    assert not waited
    assert harness.record.outcome == "cancelled"


async def test_a_call_that_may_write_finishes_although_its_caller_is_cancelled(harness: Harness):
    outcomes, waited = await _cancel_once_begun(harness, "files__write_file", anyio.Event())
    assert waited
    assert harness.record.outcome == "ok"
    assert [outcome.outcome for outcome in outcomes] == ["ok"]


async def test_a_call_that_may_write_does_not_begin_once_its_caller_is_cancelled(harness: Harness):
    with anyio.CancelScope() as scope:
        scope.cancel()
        await harness.call("files__write_file")
    assert harness.servers.calls == []
    assert harness.record.outcome == "cancelled"


async def test_a_server_that_ignores_its_deadline_is_given_up(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    async def hang(arguments: Mapping[str, Any]) -> CallResult:
        await anyio.sleep_forever()
        raise AssertionError("not reached")

    monkeypatch.setattr("gateway.tool_calls.pipeline._GRACE", 0.0)
    harness.servers.answer = hang
    outcome = await harness.call("files__write_file", timeout_seconds=0.01)
    assert outcome.outcome == "timeout"
    assert "may have taken effect" in outcome.text


async def test_the_record_says_who_what_and_where_but_not_the_arguments(harness: Harness):
    await harness.call("files__write_file", '{"text": "top secret", "path": "/workspace/a"}', round=2)
    record = harness.record
    canonical = b'{"path":"/workspace/a","text":"top secret"}'
    assert record.arguments_sha256 == hashlib.sha256(canonical).hexdigest()
    assert record.arguments_bytes == len(canonical)
    assert (record.key_id, record.run_id, record.call_id, record.round) == ("agent", "run_1", "call_1", 2)
    assert (record.server, record.tool, record.verdict, record.rule) == (
        "files",
        "write_file",
        "allow",
        "readers/all",
    )
    assert record.targets == {"path": ("/workspace/a",)}
    assert record.may_write
    assert record.at.utcoffset().total_seconds() == 0
    assert "top secret" not in repr(record)


async def test_every_call_is_counted(harness: Harness):
    await harness.call("files__read_file", '{"path": "a"}')
    await harness.call("nothing")
    text = harness.metrics.exposition({}, ()).decode()
    assert 'toolgate_tool_calls_total{outcome="ok",server="files",surface="loop",verdict="allow"} 1.0' in text
    assert (
        'toolgate_tool_calls_total{outcome="unknown_tool",server="",surface="loop",verdict="unknown"} 1.0' in text
    )


async def test_a_defect_within_the_gateway_ends_the_call_and_is_recorded(
    harness: Harness, caplog: pytest.LogCaptureFixture
):
    async def break_down(arguments: Mapping[str, Any]) -> CallResult:
        raise ZeroDivisionError("a secret of ours")

    harness.servers.answer = break_down
    outcome = await harness.call("files__write_file")
    assert (outcome.outcome, outcome.is_error, outcome.ran) == ("server_fault", True, True)
    assert "secret" not in outcome.text
    assert "a secret of ours" in caplog.text
    assert harness.record.outcome == "server_fault"


async def test_a_call_waits_for_a_trail_that_is_behind(harness: Harness):
    harness.trail.is_full = True
    await harness.call("files__read_file", '{"path": "a"}')
    assert harness.record.outcome == "ok"
