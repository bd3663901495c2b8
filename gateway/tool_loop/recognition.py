"""By what a turn is known again when a client sends its history back.

Above: `memory` looks turns up by it. Below: the conversation vocabulary. A client knows its own view alone: what
it said, and of each answer the text and the calls to its own tools. System prompts are left out, for they may tell
the time; so are tools' results and thoughts, which clients shorten or drop.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from gateway.conversation import Media, Message, ModelRequest, Part, Refusal, Text, ToolCall

_Asked = tuple[str, str, str]
"""A call's id, name and arguments."""


class Conversation:
    """What both sides know of a conversation, read once from its beginning: it may be long, and so may its turns.

    A turn with calls is known by them and by what the user said before. Ids alone would not do: some models number
    their calls in every answer anew. The same calls may be made again without a word of the user's in between, so
    each counts its repetitions. A turn of text alone is known by its text and by all that was said before it, on
    both sides. So no two turns of one conversation are known alike.
    """

    def __init__(self, user: str | None = None, *, by_ids: bool = True) -> None:
        """`user` is whom the client says that it speaks for: two of them may say the same. With `by_ids` False
        calls are known by what they say alone.
        """
        self._by_ids = by_ids
        self._said = hashlib.sha256((user or "").encode("utf-8", "surrogatepass"))
        self._whole = self._said.copy()
        self._times: Counter[_Asked] = Counter()

    def add(self, message: Message) -> None:
        """The next message, as the client has it."""
        if message.role == "user":
            digest = _digest([canonical_text(words_of(message.parts)), _media(message)])
            self._said.update(digest)
            self._whole.update(digest)
        elif message.role == "assistant":
            calls = [self._asked(call) for call in message.tool_calls]
            self._times.update(calls)
            self._whole.update(_digest([canonical_text(words_of(message.parts)), sorted(calls)]))

    def fingerprint(self, text: str, calls: Sequence[ToolCall]) -> str:
        """Of an answer that follows, with this text and these calls, in any order."""
        if not calls:
            return _digest(["text", self._whole.hexdigest(), canonical_text(text)]).hex()
        asked_for = sorted((*self._asked(call), self._times[self._asked(call)]) for call in calls)
        return _digest(["calls", self._said.hexdigest(), asked_for]).hex()

    def fingerprint_broken_off(self) -> str:
        """Of an answer that follows and was broken off: how much of it the client has, nobody else knows."""
        return _digest(["broken off", self._whole.hexdigest()]).hex()

    def _asked(self, call: ToolCall) -> _Asked:
        return call.id if self._by_ids else "", call.name, _canonical(call.arguments)


def same_calls(theirs: Sequence[ToolCall], ours: Iterable[ToolCall]) -> Mapping[str, str]:
    """By the ids that a client's calls have there, those that the same calls have here: in order, where several
    say the same.
    """
    left = list(ours)
    ids: dict[str, str] = {}
    for call in theirs:
        said = (call.name, _canonical(call.arguments))
        found = next((our for our in left if (our.name, _canonical(our.arguments)) == said), None)
        if found is not None:
            left.remove(found)
            ids[call.id] = found.id
    return ids


def words_of(parts: Iterable[Part]) -> str:
    """What a message says in words; a refusal is text in some dialects, and stands behind it in others."""
    found = tuple(parts)
    texts = [part.text for part in found if isinstance(part, Text)]
    return "".join(texts + [part.text for part in found if isinstance(part, Refusal)])


def canonical_text(text: str) -> str:
    """Equal for texts that differ in what SDKs and editors trim: blanks at the ends of lines and of the whole."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def surroundings_of(request: ModelRequest) -> str:
    """A digest of what stands before all messages: the system's prompt and the tools.

    Some models' proofs of their thoughts hold behind that alone.
    """
    prompts = [message.text for message in request.messages if message.role in ("system", "developer")]
    tools = [(tool.name, tool.description, tool.parameters) for tool in request.tools]
    return _digest([prompts, tools]).hex()


def _digest(value: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(value)).digest()


def _media(message: Message) -> list[tuple[str, str]]:
    return [(part.kind, part.url or part.data or "") for part in message.parts if isinstance(part, Media)]


def _canonical(arguments: str) -> str:
    """Equal for arguments that are equal as JSON: clients that keep objects write them in their own way."""
    try:
        return orjson.dumps(orjson.loads(arguments or "{}"), option=orjson.OPT_SORT_KEYS).decode()
    except (ValueError, TypeError):  # the latter for what is nested more deeply than can be written
        return arguments
