"""What a server of 2026-07-28 wants first, for clients of older versions: they are asked, and it is asked again.

Above: the methods whose servers may want input. Below: the session's `Questions`. Only what the client has said
that it answers is asked; rounds, questions, the size of answers and the time are bounded.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import anyio
import orjson

from gateway.api.mcp.abilities import can_answer
from gateway.api.mcp.asked import Asked
from gateway.api.mcp.questions import Unanswered
from gateway.hub import GivenInput, InputRequired, object_in

_MOST_ROUNDS = 8
_MOST_AT_ONCE = 8  # questions of one round
_LARGEST = 4 * 1024 * 1024  # bytes of all answers of a round

Got = TypeVar("Got")


async def in_rounds(
    asked: Asked,
    given: GivenInput | None,
    once: Callable[[GivenInput | None], Awaitable[Got]],
    wanted_of: Callable[[Got], InputRequired | None],
) -> Got:
    """What comes of it in the end: of what is done once, or with a session's client again with each answer.

    The whole of it has the time of one call. Raises Unanswered.
    """
    got = await once(given)
    if asked.session is None or wanted_of(got) is None:
        return got
    seconds = asked.services.loop_limits.tool_call_seconds
    with anyio.move_on_after(seconds):
        for _ in range(_MOST_ROUNDS):
            wanted = wanted_of(got)
            if wanted is None or not _can_be_given(asked, wanted):
                return got
            got = await once(GivenInput(await _ask_for(asked, wanted) or None, wanted.state))
        if wanted_of(got) is None:
            return got
        raise Unanswered(f"the server asked for more than {_MOST_ROUNDS} times")
    raise Unanswered(f"there was no answer within {seconds:g} s")


def _can_be_given(asked: Asked, wanted: InputRequired) -> bool:
    session = asked.session
    if session is None or len(wanted.requests) > _MOST_AT_ONCE or not (wanted.requests or wanted.state):
        return False
    return all(can_answer(session.abilities, *_question(one)) for one in wanted.requests.values())


def _question(raw: Any) -> tuple[str, Mapping[str, Any]]:
    """The method and params of one request of a server's; no method where it is none."""
    request = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    method = request.get("method")
    return method if isinstance(method, str) else "", object_in(request, "params")


async def _ask_for(asked: Asked, wanted: InputRequired) -> dict[str, Any]:
    """The client's answers, by the keys of what is wanted. Raises Unanswered."""
    answers: dict[str, Any] = {}
    problems: list[Unanswered] = []
    size = 0

    async def ask(key: str, raw: Any) -> None:
        nonlocal size
        try:
            answers[key] = answer = await ask_client(asked, *_question(raw))
            size += len(orjson.dumps(answer))
            if size > _LARGEST:
                raise Unanswered("the answers are too large")
        except Unanswered as problem:
            problems.append(problem)
            tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        for key, raw in wanted.requests.items():
            tasks.start_soon(ask, key, raw)
    if problems:
        raise problems[0]
    return answers


async def ask_client(asked: Asked, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of a session's client to a question. Raises Unanswered."""
    if asked.session is None or not can_answer(asked.session.abilities, method, params):
        raise Unanswered("the client does not answer such questions")
    if params.get("mode") == "url":
        params = {"elicitationId": secrets.token_urlsafe(12), **params}  # which older versions require
    return await asked.session.questions.ask(method, params, asked.ask)


def unanswered(problem: Unanswered) -> str:
    """What a model is told."""
    return f"The tool server asked for further input, which was not given: {problem}."
