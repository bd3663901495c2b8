"""A turn as it is remembered: what a run added to the conversation, and what tells whether that may be put back.

Above: `memory`, and the API, which asks what there is to remember. Below: the conversation vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.conversation import FinishReason, Message, Part, Reasoning, Text, ToolCall, ToolResult, UnknownPart
from gateway.conversation.codec import dump_messages, load_messages
from gateway.tool_loop.actions import ROUND_SEPARATOR, Finish
from gateway.tool_loop.recognition import canonical_text, words_of

_FORM = 2
_MISSING = "not known: the answer was broken off while this ran"


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """`text` is the canonical text of the answer, `surroundings` a digest of the prompt and tools before it.

    Of an answer that was `broken_off`, `text` is what had been told of it, of which the client may have less.
    """

    text: str
    surroundings: str
    messages: tuple[Message, ...]
    broken_off: bool = False

    def is_told_by(self, message: Message) -> bool:
        """Whether the client has the answer as it was given. Some clients keep no words beside calls."""
        words = canonical_text(words_of(message.parts))
        if self.broken_off:
            return bool(words) and self.text.startswith(words)
        return words == self.text or (not words and bool(message.tool_calls))

    def behind(self, message: Message) -> tuple[Message, ...]:
        """What takes the place of the client's message: of a broken answer, with what it has of its last words."""
        if not self.broken_off:
            return self.messages
        complete = canonical_text(
            ROUND_SEPARATOR.join(one.text for one in self.messages if one.role == "assistant" and one.text)
        )
        words = canonical_text(words_of(message.parts))
        rest = words[len(complete) :].strip() if words.startswith(complete) else ""
        return (*self.messages, Message("assistant", (Text(rest),))) if rest else self.messages


def dump_turn(turn: KeptTurn) -> bytes:
    """One line about the turn, then its messages."""
    head = orjson.dumps([_FORM, turn.text, turn.surroundings, turn.broken_off])
    return head + b"\n" + dump_messages(turn.messages)


def load_turn(data: bytes) -> KeptTurn | None:
    """What `dump_turn` wrote; None for anything else, such as another version's."""
    head, _, messages = data.partition(b"\n")
    try:
        form, text, surroundings, broken_off = orjson.loads(head)
        return KeptTurn(text, surroundings, load_messages(messages), broken_off) if form == _FORM else None
    except (ValueError, TypeError):
        return None


def added_by(transcript: Sequence[Message], finish: Finish) -> tuple[Message, ...]:
    """All that a run added to the conversation: its transcript, and the last answer if that stands not in there.

    Calls that nobody will answer are left out of the latter: after a limit, or in an answer that was cut short.
    """
    last = finish.last.message
    if any(message is last for message in transcript):
        return tuple(transcript)
    parts = tuple(part for part in last.parts if not isinstance(part, ToolCall) or part in finish.client_calls)
    if not parts:
        return tuple(transcript)
    return (*transcript, last if len(parts) == len(last.parts) else replace(last, parts=parts))


def added_until_broken_off(
    transcript: Sequence[Message], results: Mapping[str, ToolResult]
) -> tuple[Message, ...]:
    """All that a run added before it was broken off; `results` are those of the round that was under way.

    The model is told of calls whose results are missing that they may have run.
    """
    answered = {part.call_id for message in transcript for part in message.parts if isinstance(part, ToolResult)}
    calls = (call for message in transcript for call in message.tool_calls if call.id not in answered)
    missing = (results.get(call.id) or ToolResult(call.id, (Text(_MISSING),), is_error=True) for call in calls)
    return (*transcript, *(Message("tool", (result,)) for result in missing))


def is_known_to_client(
    added: Sequence[Message], finish: Finish, *, keeps_all: bool, origin_matters: bool = False
) -> bool:
    """Whether all that a run added is the one message that the client gets, and will send back whole.

    With `keeps_all` clients send back what they do not understand. Otherwise what stands beside words and calls is
    lost. It is needed while calls are under way, and by no provider after that. No client can tell which model it
    had an answer of: where that matters, every answer is kept that holds what other models cannot read.
    """
    if len(added) != 1 or added[0].tool_calls != finish.client_calls:
        return False
    if not any(_is_state(part) for part in added[0].parts):
        return True
    return not origin_matters and (keeps_all or finish.reason is not FinishReason.TOOL_CALLS)


def _is_state(part: Part) -> bool:
    if isinstance(part, ToolCall | Text):
        return part.source is not None and bool(part.source.raw)
    return isinstance(part, Reasoning | UnknownPart)
