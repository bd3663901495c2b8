from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from gateway.auth import KeyId
from gateway.conversation import (
    FinishReason,
    Message,
    ModelRequest,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
)
from gateway.errors import StoreError
from gateway.tool_loop import Memory, Recalled, added_by, added_until_broken_off, is_known_to_client

from .conversations import THEIRS, answer, call, check_well_formed, request
from .scripted import Run

ANN, BOB = KeyId("ann"), KeyId("bob")
TOOLS = (ToolDefinition("files__read", "reads", {"type": "object"}),)


@dataclass
class MemoryStoreInMemory:
    payloads: dict[tuple[KeyId, str], bytes] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    fault: Exception | None = None

    async def put(self, key_id: KeyId, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        assert ttl_seconds > 0
        self._note("put")
        self.payloads[key_id, fingerprint] = payload

    async def find(self, key_id: KeyId, fingerprints: Sequence[str]) -> Mapping[str, int]:
        self._note("find")
        return {one: len(payload) for one, payload in self._of(key_id, fingerprints)}

    async def get(self, key_id: KeyId, fingerprints: Sequence[str]) -> Mapping[str, bytes]:
        self._note("get")
        return dict(self._of(key_id, fingerprints))

    def _of(self, key_id: KeyId, fingerprints: Sequence[str]) -> list[tuple[str, bytes]]:
        found = [(one, self.payloads.get((key_id, one))) for one in fingerprints]
        return [(one, payload) for one, payload in found if payload is not None]

    def _note(self, question: str) -> None:
        self.questions.append(question)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def store() -> MemoryStoreInMemory:
    return MemoryStoreInMemory()


@pytest.fixture
def memory(store) -> Memory:
    return Memory(store)


def user(text: str) -> Message:
    return Message("user", (Text(text),))


HELLO = (user("hello"),)


def said(text: str) -> Message:
    return Message("assistant", (Text(text),))


def asked(*messages: Message, **changes) -> ModelRequest:
    return request(**{"messages": messages, "tools": TOOLS, **changes})


async def turn(memory: Memory, *answers, key_id: KeyId = ANN, messages=HELLO, **changes) -> Run:
    """A run from what the client has of the conversation to its end, kept."""
    given = asked(*messages, **changes)
    recalled = await memory.recall(key_id, given)
    run = Run(*answers, **{**changes, "messages": recalled.request.messages})
    finish = await run.go()
    added = added_by(run.machine.transcript, finish)
    await memory.keep(key_id, recalled, text=finish.text, calls=finish.client_calls, added=added)
    return run


async def put_back(memory: Memory, *messages: Message, key_id: KeyId = ANN, **changes) -> tuple[Message, ...]:
    return (await memory.recall(key_id, asked(*messages, **changes))).request.messages


LOOKED = (answer("Let me look.", call("g1")), answer("It is 42."))


class TestTurnsOfOurToolsAlone:
    async def test_the_calls_and_results_of_a_turn_are_put_back_when_its_answer_comes_back(self, memory):
        run = await turn(memory, *LOOKED)
        history = (user("hello"), said("Let me look.\n\nIt is 42."), user("sure?"))
        restored = await put_back(memory, *history)
        assert restored == (history[0], *run.machine.transcript, said("It is 42."), history[2])
        check_well_formed(restored)

    async def test_the_beginning_of_the_next_request_is_what_the_model_was_sent_before(self, memory):
        run = await turn(memory, *LOOKED)
        restored = await put_back(memory, user("hello"), said("Let me look.\n\nIt is 42."), user("sure?"))
        before = run.model.requests[-1].messages
        assert restored[: len(before)] == before

    @pytest.mark.parametrize(
        "text", ["Let me look.\n\nIt is 42.\n", " Let me look. \r\n\r\nIt is 42.", "Let me look.\n\nIt is 42.   "]
    )
    async def test_blanks_that_clients_trim_or_add_do_not_matter(self, memory, text):
        await turn(memory, *LOOKED)
        assert len(await put_back(memory, user("hello"), said(text))) == 4

    async def test_a_text_in_several_parts_is_the_same_text(self, memory):
        await turn(memory, *LOOKED)
        parts = Message("assistant", (Text("Let me look.\n\n"), Text("It is 42.")))
        assert len(await put_back(memory, user("hello"), parts)) == 4

    @pytest.mark.parametrize("text", ["Let me look.\n\nIt is 43.", "It is 42.", "", "Let me look.\nIt is 42."])
    async def test_an_answer_that_was_edited_is_left_as_it_is(self, memory, text):
        await turn(memory, *LOOKED)
        history = (user("hello"), said(text), user("sure?"))
        assert await put_back(memory, *history) == history

    async def test_nobody_gets_what_was_done_for_another_key(self, memory):
        await turn(memory, *LOOKED)
        history = (user("hello"), said("Let me look.\n\nIt is 42."))
        assert await put_back(memory, *history, key_id=BOB) == history

    async def test_nobody_gets_what_was_done_for_another_user_of_the_key(self, memory):
        await turn(memory, *LOOKED, user="ann")
        history = (user("hello"), said("Let me look.\n\nIt is 42."))
        assert await put_back(memory, *history, user="bea") == history
        assert await put_back(memory, *history, user="ann") != history

    async def test_the_same_answer_to_another_question_is_another_turn(self, memory):
        await turn(memory, *LOOKED)
        history = (user("something else"), said("Let me look.\n\nIt is 42."))
        assert await put_back(memory, *history) == history

    async def test_the_same_answer_twice_in_one_conversation_is_put_back_with_its_own_part_each(self, memory):
        first = await turn(memory, answer(call("g1")), answer("Done."))
        history = (user("hello"), said("Done."), user("again"))
        second = await turn(memory, answer(call("g2")), answer("Done."), messages=history)
        restored = await put_back(memory, *history, said("Done."))
        assert restored == (
            *(history[0], *first.machine.transcript, said("Done.")),
            *(history[2], *second.machine.transcript, said("Done.")),
        )

    async def test_after_asking_again_each_answer_brings_its_own_part_back(self, memory):
        first = await turn(memory, answer(call("g1")), answer("Red."))
        second = await turn(memory, answer(call("g2")), answer("Blue."))
        for run, text in ((first, "Red."), (second, "Blue.")):
            assert await put_back(memory, user("hello"), said(text)) == (
                *(user("hello"), *run.machine.transcript, said(text)),
            )

    async def test_behind_an_answer_that_was_edited_nothing_is_put_back_of_later_turns_either(self, memory):
        await turn(memory, answer(call("g1")), answer("Red."))
        history = (user("hello"), said("Red."), user("again"))
        await turn(memory, answer(call("g2")), answer("Blue."), messages=history)
        edited = (user("hello"), said("Green."), user("again"), said("Blue."))
        assert await put_back(memory, *edited) == edited

    async def test_another_system_prompt_does_not_hide_a_turn_but_thoughts_are_left_out_behind_it(self, memory):
        thinking = Reasoning("hm", "proof", "thinking")
        await turn(memory, answer(thinking, call("g1")), answer(thinking, "Done."))
        history = (user("hello"), said("Done."), user("and?"))
        kept = await put_back(memory, *history)
        assert [part for message in kept for part in message.parts].count(thinking) == 2
        changed = await put_back(memory, Message("system", (Text("it is nine"),)), *history)
        assert changed[1:] == tuple(
            replace(message, parts=tuple(part for part in message.parts if part != thinking)) for message in kept
        )

    async def test_under_structured_output_the_last_text_alone_is_what_the_client_has(self, memory):
        run = await turn(memory, answer("looking", call("g1")), answer("{}"), structured_output=True)
        restored = await put_back(memory, user("hello"), said("{}"), structured_output=True)
        assert restored == (user("hello"), *run.machine.transcript, said("{}"))

    async def test_calls_that_nobody_answered_are_not_put_back(self, memory):
        cut = answer("I was abo", call("g2"), reason=FinishReason.LENGTH)
        run = await turn(memory, answer(call("g1")), cut)
        restored = await put_back(memory, user("hello"), said("I was abo"), user("go on"))
        assert restored == (user("hello"), *run.machine.transcript, said("I was abo"), user("go on"))
        check_well_formed(restored)

    async def test_an_answer_without_a_word_is_put_back_as_what_was_done(self, memory):
        run = await turn(memory, answer(call("g1")), answer())
        restored = await put_back(memory, user("hello"), Message("assistant", ()), user("well?"))
        assert restored == (user("hello"), *run.machine.transcript, user("well?"))

    async def test_tools_that_are_called_in_what_is_put_back_are_declared_where_none_is_offered(self, memory):
        await turn(memory, *LOOKED)
        given = asked(user("hello"), said("Let me look.\n\nIt is 42."), user("sure?"), tools=())
        recalled = await memory.recall(ANN, given)
        assert [tool.name for tool in recalled.request.tools] == ["files__read"]
        assert recalled.request.tool_choice == ToolChoice("none")
        assert recalled.given is given


class TestTurnsThatTheClientsToolsEnd:
    """Ours ran at once; the client comes back with the results of its own."""

    @staticmethod
    async def mixed(memory: Memory, *, text: str = "hello", their_id: str = "c1") -> Run:
        return await turn(
            memory,
            answer("looking", call("g1")),
            answer("both", call("g2"), call(their_id, THEIRS, '{"city": "Paris", "n": 1}')),
            messages=(user(text),),
        )

    @staticmethod
    def returning(
        *, text: str = "hello", arguments: str = '{"city": "Paris", "n": 1}', their_id: str = "c1"
    ) -> tuple[Message, ...]:
        return (
            Message("system", (Text("the time is now different"),)),
            user(text),
            Message("assistant", (Text("looking\n\nboth"), ToolCall(their_id, THEIRS, arguments))),
            Message("tool", (ToolResult(their_id, (Text("sunny"),)),)),
        )

    async def test_our_part_of_a_turn_is_put_back_when_the_client_returns(self, memory):
        run = await self.mixed(memory)
        given = self.returning()
        restored = await put_back(memory, *given)
        assert restored == (given[0], given[1], *run.machine.transcript, given[3])
        check_well_formed(restored)

    async def test_it_is_put_back_in_every_later_request_of_the_conversation(self, memory):
        await self.mixed(memory)
        first = await put_back(memory, *self.returning())
        later = (*self.returning(), said("it is sunny"), user("thanks"))
        assert await put_back(memory, *later) == (*first, *later[4:])

    async def test_a_second_mixed_turn_of_one_conversation_is_put_back_too(self, memory):
        await self.mixed(memory)
        first = await put_back(memory, *self.returning())
        run = await turn(memory, answer(call("g3"), call("c2", THEIRS)), messages=self.returning())
        back = (
            *self.returning(),
            Message("assistant", (ToolCall("c2", THEIRS, "{}"),)),
            Message("tool", (ToolResult("c2", (Text("late"),)),)),
        )
        restored = await put_back(memory, *back)
        assert restored == (*first, *run.machine.transcript, back[-1])
        check_well_formed(restored)

    async def test_an_answer_in_words_after_it_brings_its_own_part_back(self, memory):
        await self.mixed(memory)
        first = await put_back(memory, *self.returning())
        run = await turn(memory, answer(call("g3")), answer("Sunny."), messages=self.returning())
        restored = await put_back(memory, *self.returning(), said("Sunny."))
        assert restored == (*first, *run.machine.transcript, said("Sunny."))

    async def test_nothing_of_one_conversation_gets_into_another_whose_model_numbers_its_calls_alike(self, memory):
        await self.mixed(memory, text="my salary, please", their_id="call_0")
        other = self.returning(text="the weather, please", their_id="call_0")
        assert await put_back(memory, *other) == other

    async def test_clients_that_write_the_arguments_in_their_own_way_are_recognised(self, memory):
        run = await self.mixed(memory)
        given = self.returning(arguments='{"n":1,"city":"Paris"}')
        assert (await put_back(memory, *given))[2:-1] == tuple(run.machine.transcript)

    async def test_clients_that_keep_no_words_beside_calls_are_recognised(self, memory):
        run = await self.mixed(memory)
        given = list(self.returning())
        given[2] = Message("assistant", given[2].tool_calls)
        assert (await put_back(memory, *given))[2:-1] == tuple(run.machine.transcript)

    @pytest.mark.parametrize("arguments", ['{"city": "Rome", "n": 1}', "{broken", "", "NaN"])
    async def test_calls_that_the_client_has_edited_are_left_as_they_are(self, memory, arguments):
        await self.mixed(memory)
        given = self.returning(arguments=arguments)
        assert await put_back(memory, *given) == given

    async def test_words_that_the_client_has_edited_are_left_as_they_are(self, memory):
        await self.mixed(memory)
        given = list(self.returning())
        given[2] = Message("assistant", (Text("looking\n\nneither"), *given[2].tool_calls))
        assert await put_back(memory, *given) == tuple(given)

    async def test_thoughts_are_put_back_behind_another_prompt_while_the_turn_is_under_way(self, memory):
        thinking = Reasoning("hm", "proof", "thinking")
        await turn(memory, answer(thinking, call("c1", THEIRS)))
        history = (user("hello"), Message("assistant", (call("c1", THEIRS),)))
        result = Message("tool", (ToolResult("c1", (Text("sunny"),)),))
        prompt = Message("system", (Text("it is nine"),))
        assert thinking in (await put_back(memory, prompt, *history, result))[2].parts
        later = await put_back(memory, prompt, *history, result, said("Sunny."), user("thanks"))
        assert later[2].parts == (call("c1", THEIRS),)


class TestAnswersThatWereBrokenOff:
    @staticmethod
    async def broken(memory: Memory, told: str) -> tuple[Message, ...]:
        """A run that had said and done one thing, and had called two tools more when its client left."""
        run = Run(answer("Looking.", call("g1")), answer("Twice.", call("g2"), call("g3")), RuntimeError())
        recalled = await memory.recall(ANN, asked(*HELLO))
        with pytest.raises(RuntimeError):
            await run.go()
        transcript = run.machine.transcript[:3]
        added = added_until_broken_off(transcript, {"g2": ToolResult("g2", (Text("two"),))})
        await memory.keep_broken_off(ANN, recalled, told=told, added=added)
        return added

    async def test_what_was_done_is_put_back_before_what_the_client_has_of_the_last_words(self, memory):
        added = await self.broken(memory, "Looking.\n\nTwice.\n\nIt is fo")
        restored = await put_back(memory, *HELLO, said("Looking.\n\nTwice.\n\nIt is"), user("go on"))
        assert restored == (*HELLO, *added, said("It is"), user("go on"))
        check_well_formed(restored)

    async def test_calls_without_a_result_are_told_as_such(self, memory):
        added = await self.broken(memory, "Looking.\n\nTwice.")
        last, missing = added[-2:]
        assert last == Message("tool", (ToolResult("g2", (Text("two"),)),))
        (result,) = missing.parts
        assert isinstance(result, ToolResult)
        assert (result.call_id, result.is_error) == ("g3", True)

    @pytest.mark.parametrize("has", ["Look", "Looking.", "Looking.\n\nTwi", "Looking.\n\nTwice.\n"])
    async def test_a_client_may_have_less_of_it_than_was_sent(self, memory, has):
        added = await self.broken(memory, "Looking.\n\nTwice.\n\nIt")
        assert await put_back(memory, *HELLO, said(has), user("go on")) == (*HELLO, *added, user("go on"))

    @pytest.mark.parametrize("has", ["", "Seeing.", "Looking.\n\nTwice.\n\nIt is 42"])
    async def test_what_cannot_be_a_part_of_it_is_another_answer(self, memory, has):
        await self.broken(memory, "Looking.\n\nTwice.\n\nIt is fo")
        history = (*HELLO, said(has), user("go on"))
        assert await put_back(memory, *history) == history

    async def test_a_later_attempt_that_came_to_its_end_goes_before_it(self, memory):
        await self.broken(memory, "Looking.\n\nIt is 42.")
        run = await turn(memory, answer("Looking.", call("g9")), answer("It is 42."))
        restored = await put_back(memory, *HELLO, said("Looking.\n\nIt is 42."))
        assert restored == (*HELLO, *run.machine.transcript, said("It is 42."))


class TestWhatItCosts:
    async def test_a_conversation_without_answers_asks_the_store_for_nothing(self, memory, store):
        given = asked(user("hello"))
        assert (await memory.recall(ANN, given)).request is given
        assert store.questions == []

    async def test_a_history_of_which_nothing_was_kept_is_one_question(self, memory, store):
        given = asked(*(user("hello"), said("hi")) * 50)
        assert (await memory.recall(ANN, given)).request is given
        assert store.questions == ["find"]

    async def test_where_only_calls_may_have_been_kept_answers_in_words_are_not_looked_for(self, memory, store):
        await memory.recall(ANN, asked(user("hello"), said("hi")), calls_only=True)
        assert store.questions == []
        await memory.recall(ANN, asked(user("hello"), Message("assistant", (call("c1"),))), calls_only=True)
        assert store.questions == ["find"]

    async def test_what_is_put_back_is_bounded_and_the_last_turn_always_is(self, store):
        memory = Memory(store, put_back_bytes=0)
        await turn(memory, answer(call("g1")), answer("Red."))
        history = (user("hello"), said("Red."), user("again"))
        run = await turn(memory, answer(call("g2")), answer("Blue."), messages=history)
        restored = await put_back(memory, *history, said("Blue."))
        assert restored == (*history, *run.machine.transcript, said("Blue."))

    async def test_a_conversation_that_outgrows_the_bound_keeps_its_beginning_for_many_turns(self, store):
        """Else every request would begin in another way than the one before: no cache could hit."""
        one = 20_000
        memory = Memory(store, put_back_bytes=8 * one)
        history: tuple[Message, ...] = (user("hello"),)
        left_out: list[int] = []
        for number in range(24):
            big = ToolCall(f"g{number}", "files__read", '{"path": "%s"}' % ("x" * one))
            await turn(memory, answer(big), answer("Done."), messages=history)
            history = (*history, said("Done."), user(f"again {number}"))
            restored = await put_back(memory, *history)
            with_calls = sum(bool(message.tool_calls) for message in restored)
            left_out.append(number + 1 - with_calls)
            assert with_calls <= 8
        assert left_out == sorted(left_out)
        assert len(set(left_out)) <= 6
        assert left_out[-1] >= 16


class TestAStoreThatFails:
    @pytest.mark.parametrize("fault", [StoreError("the disk is full"), RuntimeError("a defect"), TimeoutError()])
    async def test_it_fails_no_request_and_is_logged_once_until_it_works_again(self, memory, store, caplog, fault):
        caplog.set_level(logging.INFO, "gateway.tool_loop.memory")
        store.fault = fault
        history = (user("hello"), said("Let me look.\n\nIt is 42."), user("sure?"))
        for _ in range(3):
            await turn(memory, *LOOKED)
            assert await put_back(memory, *history) == history
        store.fault = None
        await turn(memory, *LOOKED)
        assert await put_back(memory, *history) != history
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]

    async def test_what_another_version_wrote_is_as_good_as_nothing(self, memory, store):
        await turn(memory, *LOOKED)
        for place in store.payloads:
            store.payloads[place] = b'[{"role":"user"}]'
        history = (user("hello"), said("Let me look.\n\nIt is 42."))
        assert await put_back(memory, *history) == history


async def test_a_request_that_is_not_remembered_keeps_nothing(memory, store):
    given = asked(user("hello"))
    await memory.keep(ANN, Recalled(given, given), text="Done.", calls=(), added=(said("Done."),))
    assert store.questions == []


class TestWhatTheClientKnows:
    @pytest.mark.parametrize(
        ("parts", "keeps_all", "known"),
        [
            (("Hi.",), False, True),
            ((Reasoning("hm"), "Hi."), False, True),
            (("Hi.", call("c1", THEIRS)), False, True),
            ((Reasoning("hm"), call("c1", THEIRS)), False, False),
            ((Reasoning("", "proof"), call("c1", THEIRS)), True, True),
            ((Refusal("no"), call("c1", THEIRS)), False, True),
            ((call("g1"), call("c1", THEIRS)), True, False),
        ],
    )
    async def test_of_one_round(self, parts, keeps_all, known):
        run = Run(answer(*parts))
        finish = await run.go()
        added = added_by(run.machine.transcript, finish)
        assert is_known_to_client(added, finish, keeps_all=keeps_all) is known

    async def test_of_several_rounds_it_knows_not_enough(self):
        run = Run(*LOOKED)
        finish = await run.go()
        assert not is_known_to_client(added_by(run.machine.transcript, finish), finish, keeps_all=True)
