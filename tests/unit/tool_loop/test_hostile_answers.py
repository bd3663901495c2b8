"""What a run keeps of models and tools that give too much, and what it does with calls that must not run."""

from __future__ import annotations

import pytest

from gateway.conversation import (
    FinishReason,
    Media,
    Refusal,
    RefusalDelta,
    Text,
    ToolCall,
    ToolChoice,
    UnknownPart,
)
from gateway.tool_calls import ToolOutcome
from gateway.tool_loop import Finish, LoopLimits
from gateway.tool_loop.limits import MEDIA_BYTES

from .conversations import THEIRS, answer, call, machine, results
from .scripted import Run, ScriptedTools


class Pictures(ScriptedTools):
    """Each call gives a picture as large as one result may have."""

    async def run(self, call: ToolCall, budget, on_progress) -> ToolOutcome:
        content = (Text("a picture"), Media("image", "image/png", data="A" * (8 * 1024 * 1024)))
        return ToolOutcome(call.id, "allow", "ok", content, False, 0.1, structured={"a": "picture"})


async def test_pictures_of_many_calls_at_once_are_kept_within_the_runs_bound():
    run = Run(answer(*(call(str(number)) for number in range(20))), answer("seen"), tools=Pictures())
    finish = await run.go()
    kept = [
        part
        for message in run.machine.transcript
        for result in message.parts
        for part in getattr(result, "content", ())
    ]
    media = [part for part in kept if isinstance(part, Media)]
    assert sum(len(part.data or "") for part in media) <= MEDIA_BYTES
    assert len(media) == 4
    assert sum(isinstance(part, Text) and "left out" in part.text for part in kept) == 16
    assert finish.limit == "result_bytes"


async def test_what_tools_gave_is_kept_once_in_the_conversation_and_not_in_the_account_of_the_run():
    run = Run(answer(call("1")), answer("done"), tools=Pictures())
    await run.go()
    (outcome,) = run.loop.outcomes
    assert (outcome.outcome, outcome.content, outcome.structured) == ("ok", (), None)


def test_what_models_said_counts_among_what_a_run_keeps():
    loop = machine()
    loop.start()
    parts = ("t" * 1000, call("1", THEIRS, "a" * 2000), UnknownPart("openai_chat", {"audio": "b" * 3000}))
    loop.model_answered(answer(*parts), elapsed=0)
    assert 6000 < loop.spent.kept_bytes < 6200


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_the_arguments_of_calls_that_repeat_are_compared_and_not_kept(size: int):
    loop = machine(LoopLimits(repeats=1))
    action = loop.start()
    arguments = '{"a": "%s"}' % ("x" * size)
    action = loop.model_answered(answer(call("1", arguments=arguments)), elapsed=0)
    loop.tools_finished(results(action.calls), elapsed=0)
    loop.model_answered(answer(call("2", arguments=arguments)), elapsed=0)
    assert loop.limit == "repeats"
    assert all(len(key) == 32 for key in loop.spent.repeats)


@pytest.mark.parametrize(
    ("parts", "reason", "theirs"),
    [
        ((call("1"),), FinishReason.STOP, 0),
        (("well", call("1"), call("2", THEIRS)), FinishReason.TOOL_CALLS, 1),
        ((call("2", THEIRS),), FinishReason.TOOL_CALLS, 1),
    ],
)
def test_under_a_choice_of_none_our_calls_are_as_if_they_had_not_been_made(parts, reason, theirs):
    loop = machine(tool_choice=ToolChoice("none"))
    loop.start()
    finish = loop.model_answered(answer(*parts), elapsed=0)
    assert isinstance(finish, Finish)
    assert (finish.reason, len(finish.client_calls)) == (reason, theirs)
    assert all(one.name == THEIRS for message in loop.transcript for one in message.tool_calls)


@pytest.mark.parametrize(("arguments", "ends"), [("", True), ("  ", True), ("{}", False), ('{"a": ', False)])
def test_after_an_unknown_end_only_a_call_without_any_arguments_may_be_cut_short(arguments, ends):
    loop = machine()
    loop.start()
    action = loop.model_answered(answer(call("1", arguments=arguments), reason=FinishReason.UNKNOWN), elapsed=0)
    assert isinstance(action, Finish) is ends


async def test_a_refusal_is_told_again_too():
    run = Run(answer(Refusal("I will not.")), stream=False)
    await run.go()
    await run.go()
    assert [event.text for event in run.of(RefusalDelta)] == ["I will not."]
