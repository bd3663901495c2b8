from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.conversation import FinishReason, Media, Message, Text, ToolCall, ToolChoice, ToolResult, Usage
from gateway.tool_loop import LoopLimits
from gateway.tool_loop.limits import MEDIA_BYTES
from gateway.tool_loop.state import (
    TRANSITIONS,
    CallModel,
    Finish,
    LoopProtocolError,
    Phase,
    RunTools,
    ToolLoopMachine,
)

from .conversations import MANY, OURS, THEIRS, answer, call, check_well_formed, machine, results


def begun(limits: LoopLimits = MANY, **changes) -> ToolLoopMachine:
    loop = machine(limits, **changes)
    loop.start()
    return loop


def one_round(loop: ToolLoopMachine, *calls: ToolCall, text: str = "fine", elapsed: float = 0.0):
    action = loop.model_answered(answer(*calls), elapsed=0)
    assert isinstance(action, RunTools)
    return loop.tools_finished(results(action.calls, text), elapsed=elapsed)


def test_an_answer_without_calls_ends_the_run():
    finish = begun().model_answered(answer("hi", usage=Usage(3, 4)), elapsed=0)
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.text, finish.rounds, finish.usage) == (FinishReason.STOP, "hi", 1, Usage(3, 4))
    assert (finish.client_calls, finish.limit) == ((), None)


def test_our_calls_are_run_and_the_model_is_called_again_with_their_results():
    loop = begun()
    calls = (call("1"), call("2", arguments='{"a":1}'))
    action = loop.model_answered(answer("let me see", *calls), elapsed=0)
    assert action == RunTools(calls, 1)
    again = loop.tools_finished(reversed(results(calls)), elapsed=0)
    assert isinstance(again, CallModel)
    assert again.round == 2
    history = again.request.messages
    assert [message.role for message in history] == ["user", "assistant", "tool", "tool"]
    assert [message.parts[0].call_id for message in history[2:]] == ["1", "2"], "in the order of the calls"
    finish = loop.model_answered(answer("done"), elapsed=0)
    assert finish.text == "let me see\n\ndone"


def test_under_structured_output_only_the_last_rounds_text_counts():
    loop = begun(structured_output=True)
    loop.tools_finished(results(loop.model_answered(answer("hm", call("1")), elapsed=0).calls), elapsed=0)
    assert loop.text == ""
    assert loop.model_answered(answer('{"a":1}'), elapsed=0).text == '{"a":1}'


def test_usage_is_the_sum_of_the_rounds_that_reported_any():
    loop = begun()
    for usage in (Usage(1, 2, 3, 4, 5), None, Usage(10, 20, 30, 40, 50)):
        action = loop.model_answered(answer(call("1"), usage=usage), elapsed=0)
        loop.tools_finished(results(action.calls), elapsed=0)
    assert loop.model_answered(answer("done"), elapsed=0).usage == Usage(11, 22, 33, 44, 55)


@pytest.mark.parametrize(
    ("choice", "later"),
    [
        (ToolChoice("required"), None),
        (ToolChoice("named", OURS), None),
        (ToolChoice("unknown"), None),
        (ToolChoice("auto"), ToolChoice("auto")),
        (None, None),
    ],
)
def test_a_choice_that_forces_a_call_holds_for_the_first_round_only(choice, later):
    loop = machine(tool_choice=choice, max_tokens=77)
    assert loop.start().request.tool_choice == choice
    action = one_round(loop, call("1"))
    assert action.request.tool_choice == later
    assert action.request.max_tokens == 77


def test_the_clients_calls_end_the_run_after_ours_have_run():
    loop = begun()
    mine, yours = call("1"), call("2", THEIRS)
    assert loop.model_answered(answer("both", yours, mine), elapsed=0) == RunTools((mine,), 1)
    finish = loop.tools_finished(results([mine]), elapsed=0)
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.client_calls) == (FinishReason.TOOL_CALLS, (yours,))
    assert [message.role for message in loop.transcript] == ["assistant", "tool"]


def test_the_clients_calls_alone_end_the_run_at_once():
    loop = begun()
    finish = loop.model_answered(answer(call("2", THEIRS)), elapsed=0)
    assert (finish.reason, finish.client_calls) == (FinishReason.TOOL_CALLS, (call("2", THEIRS),))


def test_a_call_to_a_tool_that_nobody_has_is_ours_to_answer():
    assert begun().model_answered(answer(call("1", "made_up")), elapsed=0) == RunTools((call("1", "made_up"),), 1)


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
def test_nothing_of_an_answer_that_was_cut_short_is_run(reason):
    loop = begun()
    finish = loop.model_answered(answer("so", call("1"), call("2", THEIRS), reason=reason), elapsed=0)
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.client_calls) == (reason, (call("2", THEIRS),))
    assert loop.transcript == []


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (LoopLimits(rounds=2), "rounds"),
        (LoopLimits(calls=2), "calls"),
        (LoopLimits(result_bytes=10), "result_bytes"),
        (LoopLimits(wall_clock_seconds=2), "wall_clock_seconds"),
    ],
)
def test_a_limit_is_told_to_the_model_which_is_then_asked_for_its_answer_without_tools(limits, limit):
    loop = begun(limits)
    assert one_round(loop, call("1"), text="seven b", elapsed=1).closing is False
    action = one_round(loop, call("2", arguments='{"n":2}'), text="seven b", elapsed=2)
    assert isinstance(action, CallModel)
    assert (action.closing, action.request.tool_choice) == (True, ToolChoice("none"))
    assert "answer now with what you have" in action.request.messages[-1].parts[0].content[-1].text
    finish = loop.model_answered(answer("all I know"), elapsed=3)
    assert (finish.reason, finish.limit) == (FinishReason.STOP, limit)


def test_media_have_a_limit_of_their_own():
    loop = begun(LoopLimits(result_bytes=100))
    action = loop.model_answered(answer(call("1")), elapsed=0)
    picture = ToolResult("1", (Media("image", "image/png", data="A" * 5000),))
    assert loop.tools_finished([picture], elapsed=0).closing is False
    loop.model_answered(answer(call("2")), elapsed=0)
    film = ToolResult("2", (Media("image", "image/png", data="A" * MEDIA_BYTES),))
    assert loop.tools_finished([film], elapsed=0).closing is True
    assert MEDIA_BYTES + 5000 < loop.spent.kept_bytes < MEDIA_BYTES + 6000, "and what the model said"
    assert action.round == 1


def test_calls_beyond_the_limit_are_answered_without_being_run():
    loop = begun(LoopLimits(calls=2))
    calls = [call(str(n), arguments=f'{{"n":{n}}}') for n in range(4)]
    action = loop.model_answered(answer(*calls), elapsed=0)
    assert action == RunTools(tuple(calls[:2]), 1)
    closing = loop.tools_finished(results(action.calls), elapsed=0)
    told = [message.parts[0] for message in closing.request.messages if message.role == "tool"]
    assert [result.is_error for result in told] == [False, False, True, True]
    assert told[2].content == (Text("not run: this run's limit on tool calls is reached"),)
    check_well_formed(loop.transcript)


def test_the_same_call_with_the_same_result_again_and_again_is_stopped():
    loop = begun(LoopLimits(repeats=2))
    one_round(loop, call("1", arguments='{"a": 1, "b": 2}'))
    one_round(loop, call("2", arguments='{"b":2,"a":1}'))
    closing = loop.model_answered(answer(call("3", arguments='{"a":1,"b":2}')), elapsed=0)
    assert isinstance(closing, CallModel)
    assert closing.closing


def test_the_same_call_with_another_result_each_time_goes_on():
    loop = begun(LoopLimits(repeats=2))
    for n in range(6):
        assert one_round(loop, call(str(n)), text=f"poll {n}").closing is False


def test_a_model_that_calls_tools_even_in_the_closing_round_is_not_obeyed():
    loop = begun(LoopLimits(rounds=1))
    one_round(loop, call("1"))
    finish = loop.model_answered(answer("still", call("2"), call("3", THEIRS)), elapsed=0)
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.client_calls, finish.text) == (FinishReason.STOP, (), "still")
    check_well_formed(loop.transcript)


@pytest.mark.parametrize("ids", [("a", "a"), ("", ""), ("a", ""), ("", "call_0_0")])
def test_calls_without_an_id_of_their_own_get_one(ids):
    loop = begun()
    action = loop.model_answered(answer(*(call(one) for one in ids)), elapsed=0)
    assert len({one.id for one in action.calls} - {""}) == 2
    loop.tools_finished(results(action.calls), elapsed=0)
    check_well_formed(loop.transcript)


def test_what_was_under_way_can_be_done_again():
    loop = machine()
    with pytest.raises(LoopProtocolError):
        loop.again()
    assert loop.start() == loop.again()
    action = loop.model_answered(answer(call("1")), elapsed=0)
    assert loop.again() == action
    assert loop.tools_finished(results([call("1")]), elapsed=0) == loop.again()
    loop.model_answered(answer("done"), elapsed=0)
    with pytest.raises(LoopProtocolError):
        loop.again()


@pytest.mark.parametrize("given_results", [[], ["1", "2"], ["2"], ["1", "1"]])
def test_results_that_do_not_match_the_calls_are_a_defect_of_the_driver(given_results):
    loop = begun()
    loop.model_answered(answer(call("1"), call("3")), elapsed=0)
    with pytest.raises(LoopProtocolError, match="do not match"):
        loop.tools_finished([ToolResult(one, ()) for one in given_results], elapsed=0)


def _machine_in(phase: Phase) -> ToolLoopMachine:
    loop = machine()
    if phase is not Phase.READY:
        loop.start()
    if phase is Phase.TOOLS:
        loop.model_answered(answer(call("1")), elapsed=0)
    if phase is Phase.DONE:
        loop.model_answered(answer("done"), elapsed=0)
    assert loop.phase is phase
    return loop


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("given_input", ["start", "model_answered", "tools_finished"])
def test_the_table_of_transitions_is_what_holds(phase, given_input):
    loop = _machine_in(phase)
    inputs = {
        "start": loop.start,
        "model_answered": lambda: loop.model_answered(answer("x"), elapsed=0),
        "tools_finished": lambda: loop.tools_finished(results([call("1")]), elapsed=0),
    }
    if (phase, given_input) in TRANSITIONS:
        inputs[given_input]()
        assert loop.phase in TRANSITIONS[phase, given_input]
    else:
        with pytest.raises(LoopProtocolError):
            inputs[given_input]()


# Whatever a model answers: any mixture of calls, of ids, of ends, for longer than any limit allows.
names = st.sampled_from([OURS, "git__log", "made_up", THEIRS])
arguments = st.sampled_from(["", "{}", '{"a":1}', '{"a": 1}', "{broken", "[" * 2000])
calls = st.builds(ToolCall, st.sampled_from(["", "a", "b", "call_0_0", "call_1_1"]), names, arguments)
parts = st.one_of(calls, calls, st.builds(Text, st.sampled_from(["", "some words"])))
usages = st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9))
answers = st.builds(
    lambda given_parts, reason, usage: answer(*given_parts, reason=reason, usage=usage),
    st.lists(parts, max_size=5),
    st.none() | st.sampled_from(FinishReason),
    usages,
)
limits = st.builds(
    LoopLimits,
    rounds=st.integers(1, 4),
    calls=st.integers(1, 6),
    wall_clock_seconds=st.integers(1, 8).map(float),
    result_bytes=st.integers(1, 60),
    repeats=st.integers(1, 3),
)


@settings(max_examples=400)
@given(limits, st.data())
def test_every_run_ends_within_its_limits_and_leaves_a_well_formed_conversation(given_limits, data):
    loop = machine(given_limits)
    action = loop.start()
    elapsed, rounds, ran, said, usage = 0.0, 0, [], [], []
    while not isinstance(action, Finish):
        elapsed += data.draw(st.sampled_from([0.0, 0.5, 3.0]))
        if isinstance(action, CallModel):
            check_well_formed(action.request.messages)
            assert action.closing is (action.request.tool_choice == ToolChoice("none"))
            rounds += 1
            assert action.round == rounds <= given_limits.rounds + 1
            response = data.draw(answers)
            said.append(response.message.text)
            usage += [response.usage] if response.usage else []
            action = loop.model_answered(response, elapsed=elapsed)
        else:
            assert action.calls
            assert len({one.id for one in action.calls}) == len(action.calls)
            assert all(one.name != THEIRS for one in action.calls)
            ran += action.calls
            told = data.draw(st.sampled_from(["", "same", f"new {rounds}"]))
            action = loop.tools_finished(results(action.calls, told), elapsed=elapsed)
    assert len(ran) <= given_limits.calls
    assert all(one.name == THEIRS for one in action.client_calls)
    assert action.text == "\n\n".join(text for text in said if text)
    assert action.usage == (sum(usage[1:], usage[0]) if usage else None)
    assert action.rounds == rounds
    if action.reason is FinishReason.TOOL_CALLS:
        assert action.client_calls
        answered = [ToolResult(one.id, ()) for one in action.client_calls]
        check_well_formed([*loop.transcript, *(Message("tool", (result,)) for result in answered)])
    else:
        check_well_formed(loop.transcript)
