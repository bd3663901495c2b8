"""What clients of older versions can be asked, and how their answers come back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import orjson
import pytest

from gateway.api.mcp.abilities import can_answer, read_abilities
from gateway.api.mcp.asking import in_rounds
from gateway.api.mcp.questions import Questions, Unanswered
from gateway.hub import InputRequired

ELICIT, SAMPLE, ROOTS = "elicitation/create", "sampling/createMessage", "roots/list"


def test_of_what_a_client_says_as_little_is_kept_as_counts():
    said = {"elicitation": {"form": {"x": "y"}, "more": {}}, "roots": {"listChanged": True}, "experimental": {}}
    assert read_abilities(said) == {"elicitation": {"form": {}}, "roots": {}}
    for broken in (None, [], "all", {"elicitation": True, "sampling": None, "roots": []}):
        assert read_abilities(broken) == {}


@pytest.mark.parametrize(
    ("abilities", "method", "params", "can"),
    [
        ({"elicitation": {}}, ELICIT, {"message": "?"}, True),
        ({"elicitation": {}}, ELICIT, {"mode": "url"}, False),
        ({"elicitation": {"form": {}}}, ELICIT, {"mode": "form"}, True),
        ({"elicitation": {"url": {}}}, ELICIT, {}, False),
        ({"elicitation": {"url": {}}}, ELICIT, {"mode": "url"}, True),
        ({"elicitation": {"url": {}}}, ELICIT, {"mode": "voice"}, False),
        ({"elicitation": {"url": {}}}, ELICIT, {"mode": []}, False),
        ({"elicitation": {}}, ELICIT, {"mode": {}}, False),
        ({}, ELICIT, {}, False),
        ({"sampling": {}}, SAMPLE, {}, True),
        ({"sampling": {}}, SAMPLE, {"tools": []}, False),
        ({"sampling": {"tools": {}}}, SAMPLE, {"tools": []}, True),
        ({"elicitation": {}}, SAMPLE, {}, False),
        ({"roots": {}}, ROOTS, {}, True),
        ({}, ROOTS, {}, False),
        ({"elicitation": {}, "sampling": {}, "roots": {}}, "tools/call", {}, False),
        ({"elicitation": {}, "sampling": {}, "roots": {}}, "", {}, False),
    ],
)
def test_a_client_is_asked_what_it_has_said_that_it_answers(
    abilities: Any, method: str, params: dict[str, Any], can: bool
):
    assert can_answer(abilities, method, params) is can


class Client:
    """Whom questions are sent to."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def send(self, message: bytes) -> bool:
        self.heard.append(orjson.loads(message))
        return True


async def asked(questions: Questions, client: Client, answer: dict[str, Any]) -> Any:
    """Ask, and give this answer."""
    got: list[Any] = []

    async def ask() -> None:
        try:
            got.append(await questions.ask(ROOTS, {}, client.send))
        except Unanswered as problem:
            got.append(str(problem))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        questions.answer(client.heard[-1]["id"], answer)
    assert len(questions) == 0
    return got[0]


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        ({"result": {"roots": []}}, {"roots": []}),
        ({"error": {"code": -1, "message": "no\nnot now"}}, "the client refused: no\\u{a}not now"),
        ({"error": "no"}, "the client refused"),
        ({"result": [1]}, "the client refused"),
        ({}, "the client refused"),
    ],
)
async def test_an_answer_is_a_result_or_a_refusal(answer: dict[str, Any], got: Any):
    assert await asked(Questions(), Client(), answer) == got


async def test_questions_have_ids_that_cannot_be_guessed_and_an_answer_to_none_is_none():
    questions, client = Questions(), Client()
    for _ in range(2):
        await asked(questions, client, {"result": {}})
    ids = {one["id"] for one in client.heard}
    assert len(ids) == 2
    assert all(len(one) > 20 for one in ids)
    for question_id in (None, 7, "toolgate-none", client.heard[0]["id"]):
        questions.answer(question_id, {"result": {}})


async def test_a_session_has_so_many_open_questions_and_no_more():
    questions, client = Questions(), Client()
    async with anyio.create_task_group() as tasks:
        for _ in range(32):
            tasks.start_soon(questions.ask, ROOTS, {}, client.send)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(Unanswered, match="too many"):
            await questions.ask(ROOTS, {}, client.send)
        assert len(client.heard) == 32
        tasks.cancel_scope.cancel()
    assert len(questions) == 0


async def test_a_session_that_ends_leaves_nobody_waiting():
    questions, client = Questions(), Client()

    async def ask() -> None:
        with pytest.raises(Unanswered):
            await questions.ask(ROOTS, {}, client.send)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            questions.close()


async def test_a_question_that_cannot_leave_is_unanswered_at_once():
    questions = Questions()
    with pytest.raises(Unanswered, match="takes no questions"):
        await questions.ask(ROOTS, {}, lambda _message: False)
    assert len(questions) == 0


async def test_a_question_that_cannot_be_written_is_unanswered_at_once():
    questions, client = Questions(), Client()
    deep = orjson.loads("[" * 400 + "]" * 400)
    with pytest.raises(Unanswered, match="nested too deeply"):
        await questions.ask(ELICIT, {"message": deep}, client.send)
    assert (len(questions), client.heard) == (0, [])


async def test_answers_that_are_too_large_together_end_the_round_before_it_is_whole():
    questions, client = Questions(), Client()
    session = SimpleNamespace(abilities={"roots": {}}, questions=questions)
    limits = SimpleNamespace(tool_call_seconds=60)
    asked: Any = SimpleNamespace(session=session, services=SimpleNamespace(loop_limits=limits), ask=client.send)
    wanted = InputRequired({str(number): {"method": ROOTS} for number in range(4)})

    async def once(given: Any) -> Any:
        return wanted

    async with anyio.create_task_group() as tasks:

        async def run() -> None:
            with pytest.raises(Unanswered, match="too large"):
                await in_rounds(asked, None, once, lambda got: got)

        tasks.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        first, second, *others = [one["id"] for one in client.heard]
        for question_id in (first, second):
            questions.answer(question_id, {"result": {"roots": ["x" * 3 * 1024 * 1024]}})
    withdrawn = [one["params"]["requestId"] for one in client.heard if one["method"] == "notifications/cancelled"]
    assert sorted(withdrawn) == sorted(others)
