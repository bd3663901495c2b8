"""A turn as it is remembered: what a run added to the conversation, and what tells whether that may be put back.

Above: `memory`, and the API, which asks what there is to remember. Below: the conversation vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from gateway.conversation import FinishReason, Message, Part, Reasoning, ToolCall, UnknownPart
from gateway.conversation.codec import dump_messages, load_messages
from gateway.tool_loop.state import Finish

_FORM = 1


@dataclass(frozen=True, slots=True)
class KeptTurn:
    """`text` is the canonical text of the answer, `surroundings` a digest of the prompt and tools before it."""

    text: str
    surroundings: str
    messages: tuple[Message, ...]


def dump_turn(turn: KeptTurn) -> bytes:
    """One line about the turn, then its messages."""
    return orjson.dumps([_FORM, turn.text, turn.surroundings]) + b"\n" + dump_messages(turn.messages)


def load_turn(data: bytes) -> KeptTurn | None:
    """What `dump_turn` wrote; None for anything else, such as another version's."""
    head, _, messages = data.partition(b"\n")
    try:
        form, text, surroundings = orjson.loads(head)
        return KeptTurn(text, surroundings, load_messages(messages)) if form == _FORM else None
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
    ending = (replace(last, parts=parts),) if parts else ()
    return (*transcript, *ending)


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
    if isinstance(part, ToolCall):
        return part.source is not None
    return isinstance(part, Reasoning | UnknownPart)
