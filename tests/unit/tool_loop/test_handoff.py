from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gateway.auth import KeyId
from gateway.conversation import FinishReason, Message, Text, ToolCall, ToolResult
from gateway.tool_loop import Handoffs

from .conversations import THEIRS, answer, call, check_well_formed, request
from .scripted import Run

ANN, BOB = KeyId("ann"), KeyId("bob")


@dataclass
class MemoryStore:
    payloads: dict[tuple[KeyId, str], bytes] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def put(self, key_id: KeyId, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        assert ttl_seconds > 0
        self.payloads[key_id, fingerprint] = payload

    async def get(self, key_id: KeyId, fingerprints: Sequence[str]) -> dict[str, bytes]:
        self.asked.append(tuple(fingerprints))
        found = {one: self.payloads.get((key_id, one)) for one in fingerprints}
        return {one: payload for one, payload in found.items() if payload is not None}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def handoffs(store) -> Handoffs:
    return Handoffs(store)


async def mixed_turn(handoffs: Handoffs, *, said: str = "hello", their_id: str = "c1") -> Run:
    """A run in which ours ran twice and the client's call ended the turn; kept for ann."""
    run = Run(
        answer("looking", call("g1")),
        answer("both", call("g2"), call(their_id, THEIRS, '{"city": "Paris", "n": 1}')),
        messages=(Message("user", (Text(said),)),),
    )
    finish = await run.go()
    assert finish.reason is FinishReason.TOOL_CALLS
    await handoffs.keep(ANN, run.machine.request.messages, finish.client_calls, run.machine.transcript)
    return run


def returning(*, said: str = "hello", arguments: str = '{"city": "Paris", "n": 1}', their_id: str = "c1"):
    """What the client sends next: its own view of the turn, and its tool's result."""
    return (
        Message("system", (Text("the time is now different"),)),
        Message("user", (Text(said),)),
        Message("assistant", (Text("looking\n\nboth"), ToolCall(their_id, THEIRS, arguments))),
        Message("tool", (ToolResult(their_id, (Text("sunny"),)),)),
    )


async def test_our_part_of_a_turn_is_put_back_when_the_client_returns(handoffs):
    run = await mixed_turn(handoffs)
    given = returning()
    restored = await handoffs.restore(ANN, given)
    assert restored == (given[0], given[1], *run.machine.transcript, given[3])
    check_well_formed(restored)


async def test_it_is_put_back_in_every_later_request_of_the_conversation(handoffs):
    await mixed_turn(handoffs)
    first = await handoffs.restore(ANN, returning())
    later = (*returning(), Message("assistant", (Text("it is sunny"),)), Message("user", (Text("thanks"),)))
    assert await handoffs.restore(ANN, later) == (*first, *later[4:])


async def test_a_second_mixed_turn_of_one_conversation_is_put_back_too(handoffs):
    await mixed_turn(handoffs)
    first = await handoffs.restore(ANN, returning())
    run = Run(answer(call("g3"), call("c2", THEIRS)), messages=first)
    finish = await run.go()
    await handoffs.keep(ANN, first, finish.client_calls, run.machine.transcript)
    back = (
        *returning(),
        Message("assistant", (ToolCall("c2", THEIRS, "{}"),)),
        Message("tool", (ToolResult("c2", (Text("late"),)),)),
    )
    restored = await handoffs.restore(ANN, back)
    assert restored == (*first, *run.machine.transcript, back[-1])
    check_well_formed(restored)


async def test_nobody_gets_what_was_done_for_another_key(handoffs):
    await mixed_turn(handoffs)
    assert await handoffs.restore(BOB, returning()) == returning()


async def test_nothing_of_one_conversation_gets_into_another_whose_model_numbers_its_calls_alike(handoffs):
    await mixed_turn(handoffs, said="my salary, please", their_id="call_0")
    other = returning(said="the weather, please", their_id="call_0")
    assert await handoffs.restore(ANN, other) == other


async def test_clients_that_write_the_arguments_in_their_own_way_are_recognised(handoffs):
    run = await mixed_turn(handoffs)
    given = returning(arguments='{"n":1,"city":"Paris"}')
    assert (await handoffs.restore(ANN, given))[2:-1] == tuple(run.machine.transcript)


@pytest.mark.parametrize("arguments", ['{"city": "Rome", "n": 1}', "{broken", "", "NaN"])
async def test_a_message_that_the_client_has_edited_is_left_as_it_is(handoffs, arguments):
    await mixed_turn(handoffs)
    given = returning(arguments=arguments)
    assert await handoffs.restore(ANN, given) == given


async def test_a_conversation_without_calls_asks_the_store_for_nothing(handoffs, store):
    messages = request().messages
    assert await handoffs.restore(ANN, messages) is messages
    assert store.asked == []


async def test_a_long_conversation_is_one_question_to_the_store(handoffs, store):
    await handoffs.restore(ANN, returning() * 20)
    assert len(store.asked) == 1
