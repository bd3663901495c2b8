"""What the gateway did for a client that will not tell it: turns are kept, and put back when they return.

A client's history holds the text of an answer and the calls to its own tools. It lacks the calls that the gateway
ran, what they gave, and what the model thought: that was never sent to the client, or its dialect cannot say it.
`Memory` keeps a turn, knows it again (`recognition`), and puts it back byte for byte, so that the model knows
what it did, its proofs hold, and the provider's cache hits. Above: the API. Below: a durable store, which any
replica may be asked. Refuses to know: wire formats, whose tool is whose.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gateway.auth import Owner
from gateway.conversation import Message, ModelRequest, Reasoning, ToolCall, ToolChoice, ToolDefinition, ToolResult
from gateway.tool_loop.lenient import Lenient
from gateway.tool_loop.recognition import Conversation, canonical_text, same_calls, surroundings_of, words_of
from gateway.tool_loop.turns import KeptTurn, dump_turn, load_turn

_log = logging.getLogger(__name__)

RETENTION_DAYS = 7
PUT_BACK_BYTES = 2 * 1024 * 1024

_MOST_TURNS = 1000
"""For so many turns of one history, the latest, the store is asked."""

_DAY = 24 * 3600


class MemoryStore(Protocol):
    """Keeps sealed payloads by owner and fingerprint, durably."""

    async def put(self, owner: Owner, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        """Keep `payload`; returns once it would survive a crash."""
        ...

    async def find(self, owner: Owner, fingerprints: Sequence[str]) -> Mapping[str, int]:
        """Those that are there and not out of date, and how many bytes each has."""
        ...

    async def get(self, owner: Owner, fingerprints: Sequence[str]) -> Mapping[str, bytes]:
        """The payloads that are there and not out of date, by fingerprint."""
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """A request as it was given, and with our part of its history put back in `put_back` places.

    `conversation` is the client's own view of it; None where nothing is remembered of it.
    """

    given: ModelRequest
    request: ModelRequest
    conversation: Conversation | None = field(default=None, repr=False)
    put_back: int = 0


class Memory:
    """See the module. What fails here fails no request: it is logged once, until it works again."""

    def __init__(
        self,
        store: MemoryStore,
        *,
        retention_days: int = RETENTION_DAYS,
        put_back_bytes: int = PUT_BACK_BYTES,
    ) -> None:
        """`put_back_bytes` is about what is put back into one request at most, the latest turns before others."""
        self._store = store
        self._ttl = retention_days * _DAY
        self._put_back_bytes = put_back_bytes
        self._lenient = Lenient(_log)

    async def recall(
        self, owner: Owner, request: ModelRequest, *, calls_only: bool = False, by_ids: bool = True
    ) -> Recalled:
        """The request with what was kept of its turns; a turn that the client has edited is left as it is.

        With `calls_only` turns without calls of the client's are not looked for. With `by_ids` False the client
        does not keep the ids of calls.
        """
        conversation = Conversation(request.user, by_ids=by_ids)
        prints = _fingerprints(request.messages, conversation, calls_only=calls_only)
        turns = await self._turns(owner, prints)
        if not turns:
            return Recalled(request, request, conversation)
        messages, count = _put_back(request, turns)
        restored = replace(request, messages=messages)
        return Recalled(request, restored if request.tools else declaring(restored), conversation, count)

    async def keep(
        self,
        owner: Owner,
        recalled: Recalled,
        *,
        text: str,
        calls: Sequence[ToolCall],
        added: Sequence[Message],
    ) -> None:
        """Remember `added`, all that a run added to the conversation, until its answer comes back.

        The answer was `text` and `calls` to the client's tools; `recalled` is what its request began with.
        """
        if recalled.conversation is None:
            return
        turn = KeptTurn(canonical_text(text), surroundings_of(recalled.given), tuple(added))
        await self._put(owner, recalled.conversation.fingerprint(text, calls), turn)

    async def keep_broken_off(
        self, owner: Owner, recalled: Recalled, *, told: str, added: Sequence[Message]
    ) -> None:
        """Remember `added` of a run whose client left, or lost it, when it had been told no more than `told`."""
        if recalled.conversation is None:
            return
        turn = KeptTurn(canonical_text(told), surroundings_of(recalled.given), tuple(added), broken_off=True)
        await self._put(owner, recalled.conversation.fingerprint_broken_off(), turn)

    async def _put(self, owner: Owner, found_by: str, turn: KeptTurn) -> None:
        await self._lenient.ask(lambda: self._store.put(owner, found_by, dump_turn(turn), ttl_seconds=self._ttl))

    async def _turns(self, owner: Owner, asked: Mapping[int, Sequence[str]]) -> Mapping[int, KeptTurn]:
        """By place, what was kept; one question to the store where nothing was."""
        if not asked:
            return {}
        sizes = await self._lenient.ask(
            lambda: self._store.find(owner, [one for ones in asked.values() for one in ones])
        )
        if not sizes:
            return {}
        there = {place: [one for one in ones if one in sizes] for place, ones in asked.items()}
        prints = {place: ones[0] for place, ones in there.items() if ones}
        wanted = _latest({place: sizes[one] for place, one in prints.items()}, self._put_back_bytes)
        kept = await self._lenient.ask(lambda: self._store.get(owner, tuple(prints[place] for place in wanted)))
        turns = {place: load_turn(kept[prints[place]]) for place in wanted if kept and prints[place] in kept}
        return {place: turn for place, turn in turns.items() if turn is not None}


def _fingerprints(
    messages: Sequence[Message], conversation: Conversation, *, calls_only: bool
) -> Mapping[int, Sequence[str]]:
    """By place, those of the turns that may have had a part of ours: the latest, where there are very many.

    What was kept under the first of a place goes before what was kept under the second.
    """
    turns = [
        place
        for place, message in enumerate(messages)
        if message.role == "assistant" and (message.tool_calls or not calls_only)
    ]
    wanted = frozenset(turns[-_MOST_TURNS:])
    prints: dict[int, Sequence[str]] = {}
    for place, message in enumerate(messages):
        if place in wanted:
            whole = conversation.fingerprint(words_of(message.parts), message.tool_calls)
            prints[place] = (whole,) if message.tool_calls else (whole, conversation.fingerprint_broken_off())
        conversation.add(message)
    return prints


def _latest(sizes: Mapping[int, int], most_bytes: int) -> Sequence[int]:
    """The places whose turns are put back: as many of the latest as there is room for, and the last in any case.

    What is left out is left out in steps of half the room: else every request of a long conversation would begin
    in another way than the one before, and no cache could hit.
    """
    step = max(1, most_bytes // 2)
    over = sum(sizes.values()) - most_bytes
    skipped = -(-over // step) * step if over > 0 else 0
    places = sorted(sizes)
    passed, first = 0, 0
    while first < len(places) - 1 and passed < skipped:
        passed += sizes[places[first]]
        first += 1
    return places[first:]


def _put_back(request: ModelRequest, turns: Mapping[int, KeptTurn]) -> tuple[tuple[Message, ...], int]:
    surroundings = surroundings_of(request)
    under_way = _turn_under_way(request.messages)
    messages: list[Message] = []
    ids: dict[str, str] = {}
    count = 0
    for place, message in enumerate(request.messages):
        turn = turns.get(place)
        if turn is None or not turn.is_told_by(message):
            messages.append(_answering(message, ids))
            continue
        count += 1
        holds = turn.surroundings == surroundings or place >= under_way
        told = turn.behind(message)
        ids |= same_calls(message.tool_calls, [call for ours in told for call in ours.tool_calls])
        messages += told if holds else _without_thoughts(told)
    return tuple(messages), count


def _answering(message: Message, ids: Mapping[str, str]) -> Message:
    """With its tools' results as answers to the calls that were put back, where those have other ids."""
    answered = (part.call_id for part in message.parts if isinstance(part, ToolResult))
    if all(ids.get(call_id, call_id) == call_id for call_id in answered):
        return message
    parts = (
        replace(part, call_id=ids.get(part.call_id, part.call_id)) if isinstance(part, ToolResult) else part
        for part in message.parts
    )
    return replace(message, parts=tuple(parts))


def declaring(request: ModelRequest) -> ModelRequest:
    """With the tools that its history calls, none of which may be called now: some providers insist on that."""
    names = dict.fromkeys(call.name for message in request.messages for call in message.tool_calls)
    if not names:
        return request
    tools = tuple(ToolDefinition(name, "", {"type": "object"}) for name in names)
    return replace(request, tools=tools, tool_choice=ToolChoice("none"))


def _turn_under_way(messages: Sequence[Message]) -> int:
    """The place behind the last thing that the user said: what follows are the steps of one turn."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role == "user" and not all(isinstance(part, ToolResult) for part in message.parts):
            return place + 1
    return 0


def _without_thoughts(messages: Sequence[Message]) -> list[Message]:
    """Behind another prompt or other tools some models refuse the proofs of what they thought."""
    kept = (
        replace(message, parts=tuple(part for part in message.parts if not isinstance(part, Reasoning)))
        for message in messages
    )
    return [message for message in kept if message.parts]
