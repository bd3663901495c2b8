"""What the client of a session is asked by servers, and what it answers.

Above: `rounds` asks, and `posts` brings the answers. A question leaves on the stream of the answer to the request
that led to it, and its answer is a POST of its own: it counts for the session that was asked, and for no other.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

import anyio

from gateway.api.mcp.wire import Refusal, RequestId, encode_notification, encode_request
from gateway.telemetry.visible import one_line

_MOST = 32  # questions of a session at once
_LONGEST_REASON = 500  # characters


class Unanswered(Exception):
    """The client was not asked, or gave no answer; the message says why, for the model."""


class _Question:
    __slots__ = ("answer", "answered")

    def __init__(self) -> None:
        self.answered = anyio.Event()
        self.answer: Mapping[str, Any] = {}

    def settle(self, answer: Mapping[str, Any]) -> None:
        if not self.answered.is_set():
            self.answer = answer
            self.answered.set()


class Questions:
    """Those of one session that are open."""

    def __init__(self) -> None:
        self._open: dict[RequestId, _Question] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)

    async def ask(
        self, method: str, params: Mapping[str, Any], send: Callable[[bytes], bool]
    ) -> Mapping[str, Any]:
        """The client's result. `send` says whether the question leaves at all. Raises Unanswered.

        There is no deadline here. When the caller is cancelled, the client is told to bother no more.
        """
        if len(self._open) >= _MOST:
            raise Unanswered("too many questions are open")
        question_id = f"toolgate-{secrets.token_urlsafe(12)}"
        try:
            encoded = encode_request(question_id, method, params)
        except Refusal as refusal:
            raise Unanswered(refusal.message) from refusal
        question = self._open[question_id] = _Question()
        try:
            if not send(encoded):
                raise Unanswered("the client takes no questions beside its answer")
            await question.answered.wait()
        except anyio.get_cancelled_exc_class():
            send(encode_notification("notifications/cancelled", {"requestId": question_id}))
            raise
        finally:
            del self._open[question_id]
        return _result_in(question.answer)

    def answer(self, question_id: RequestId | None, answer: Mapping[str, Any]) -> None:
        """An answer of the client; one to no open question is none."""
        question = None if question_id is None else self._open.get(question_id)
        if question is not None:
            question.settle(answer)

    def close(self) -> None:
        """The session is over."""
        for question in self._open.values():
            question.settle({})


def _result_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    result: Any = answer.get("result")
    if isinstance(result, dict):
        return cast("dict[str, Any]", result)
    error: Any = answer.get("error")
    why: Any = cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else None
    refused = "the client refused"
    raise Unanswered(f"{refused}: {one_line(why, _LONGEST_REASON)}" if isinstance(why, str) else refused)
