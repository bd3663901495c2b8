"""What Claude Code does when something goes wrong behind the gateway, or in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.support.covering import MESSAGES
from tests.support.gateways import InProcess

from .conftest import DISMISSED, WITHOUT_TOOLS
from .installed import Programs
from .recording import Recorder
from .running import Outcome, claude_code
from .test_claude_code import BOTH, CLAUDE, SUM, proves

pytestmark = pytest.mark.npm

FINE = Turn(text="All is well.")
TOO_MUCH = b"""{"type": "error", "error": {"type": "invalid_request_error",
"message": "context_management: Extra inputs are not permitted"}}"""
BROKEN = {
    "cut": Turn(text="one two three four", cut_after=4),
    "ended early": Turn(text="one two three four", end_after=4),
    "error event": Turn(text="one two three four", error_after=4),
}


def ended_well(done: Outcome) -> bool:
    return (done.code, done.report["result"], done.report["is_error"]) == (0, "All is well.", False)


@proves("errors")
@BOTH
@pytest.mark.parametrize(
    "refusal", [Turn(status=429, headers={"retry-after": "1"}), Turn(status=529)], ids=["429", "529"]
)
async def test_it_tries_again_when_a_provider_is_busy(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    model: str,
    refusal: Turn,
):
    upstream.add(refusal, FINE)
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert ended_well(done)
    assert [one.status for one in messages.seen] == [refusal.status, 200]


@proves("errors")
@BOTH
@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Turn(status=402), "API Error: 402 the script says 402"),
        (
            Turn(status=429, headers={"x-should-retry": "false"}),
            "API Error: Request rejected (429) · the script says 429",
        ),
    ],
    ids=["402", "429 for good"],
)
async def test_it_stops_at_once_and_prints_why_when_the_money_is_spent(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    tmp_path: Path,
    model: str,
    refusal: Turn,
    said: str,
):
    upstream.add(refusal)
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert (done.code, done.report["result"], done.report["api_error_status"]) == (1, said, refusal.status)
    assert len(upstream.requests) == 1


@proves("errors", "whole")
@BOTH
@pytest.mark.parametrize("way", list(BROKEN))
async def test_it_asks_for_a_whole_answer_when_a_stream_breaks(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    model: str,
    way: str,
):
    upstream.add(BROKEN[way], FINE)
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert ended_well(done)
    first, second = messages.seen
    assert (first.status, first.body["stream"], second.status) == (200, True, 200)
    assert not second.body.get("stream")


@proves("errors", "gateway tools")
@BOTH
async def test_a_stream_that_breaks_after_one_of_our_tools_has_run_is_gone_on_with(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path, model: str
):
    upstream.add(Turn(calls=(SUM,)), Turn(text="one two three", cut_after=4), FINE)
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model)
    assert done.code == 0
    assert done.report["result"].endswith("All is well.")


@proves("errors")
@BOTH
async def test_it_mends_its_request_by_the_words_of_a_providers_refusal(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    model: str,
):
    upstream.add(Turn(status=400, body=TOO_MUCH), FINE)
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert ended_well(done)
    first, second = (one.body for one in messages.seen)
    assert ("context_management" in first, "context_management" in second) == (True, False)
    if model == CLAUDE:
        assert messages.seen[0].answered == TOO_MUCH


@proves("errors", provider=MESSAGES)
@pytest.mark.parametrize(
    ("secret", "model", "status", "said"),
    [
        (
            "no-key-of-ours-0123456789",
            CLAUDE,
            401,
            "Failed to authenticate. API Error: 401 no valid API key was given",
        ),
        (DISMISSED, CLAUDE, 404, f"There's an issue with the selected model ({CLAUDE})"),
    ],
    ids=["no key", "not this model"],
)
async def test_our_own_refusals_stop_it_before_anything_is_asked(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    secret: str,
    model: str,
    status: int,
    said: str,
):
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=secret)
    assert done.code == 1
    assert done.report["result"].startswith(said)
    assert {one.status for one in messages.seen} == {status}
    assert upstream.requests == []


@proves("errors")
@BOTH
async def test_it_stops_when_the_operators_key_is_not_the_providers(
    programs: Programs,
    gateway: InProcess,
    upstream: ScriptedUpstream,
    messages: Recorder,
    tmp_path: Path,
    model: str,
):
    upstream.add(Turn(status=401))
    done = await claude_code(programs.claude, gateway.origin, tmp_path, model=model, secret=WITHOUT_TOOLS)
    assert done.code == 1
    assert "refused this gateway's credentials" in done.report["result"]
    assert [one.status for one in messages.seen] == [502]
    assert json.loads(messages.seen[0].answered)["type"] == "error"
