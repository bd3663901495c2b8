"""Turns in which a model asked for the client's tools and ours at once.

Ours run at once; the client gets its own calls and comes back with their results, but its history lacks what
the gateway did. `Handoffs` keeps that part of the conversation and puts it back, found by the key, what the
user said, and the client's calls. Above: the API. Below: a durable store (any replica may be asked).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import orjson

from gateway.auth import KeyId
from gateway.conversation import Media, Message, Text, ToolCall
from gateway.conversation.codec import dump_messages, load_messages

RETENTION_SECONDS = 7 * 24 * 3600
"""For how long a client may take to come back with its results."""

_MOST_TURNS = 1000
"""For so many turns of one history, the latest, the store is asked."""

_Asked = tuple[str, str, str]
"""A call's id, name and arguments."""


class HandoffStore(Protocol):
    """Keeps sealed payloads by key and fingerprint, durably."""

    async def put(self, key_id: KeyId, fingerprint: str, payload: bytes, *, ttl_seconds: int) -> None:
        """Keep `payload`; returns once it would survive a crash."""
        ...

    async def get(self, key_id: KeyId, fingerprints: Sequence[str]) -> dict[str, bytes]:
        """The payloads that are there and not out of date, by fingerprint."""
        ...


class Handoffs:
    """What the gateway did in turns that the client's own tools ended."""

    def __init__(self, store: HandoffStore) -> None:
        self._store = store

    async def keep(
        self, key_id: KeyId, asked: Sequence[Message], calls: Sequence[ToolCall], transcript: Sequence[Message]
    ) -> None:
        """Remember everything that this run added to the conversation, until the client answers `calls`.

        `asked` are the messages of the run's request.
        """
        found_by = fingerprint(asked, calls)
        await self._store.put(key_id, found_by, dump_messages(transcript), ttl_seconds=RETENTION_SECONDS)

    async def restore(self, key_id: KeyId, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The history with our part put back; a message that the client has edited is left as it is."""
        prints = _fingerprints(messages)
        if not prints:
            return messages
        kept = await self._store.get(key_id, tuple(prints.values()))
        restored: list[Message] = []
        for index, message in enumerate(messages):
            payload = kept.get(prints[index]) if index in prints else None
            restored.extend((message,) if payload is None else load_messages(payload))
        return tuple(restored)


def fingerprint(before: Iterable[Message], calls: Sequence[ToolCall]) -> str:
    """A digest of what the user said before, and of the calls' ids, names and arguments, in any order.

    Ids alone would not do: some models number their calls in every answer anew, and what was done in one
    conversation must never be put into another. The user's messages are what both sides know alike.
    """
    conversation = _Conversation()
    for message in before:
        conversation.add(message)
    return conversation.fingerprint(calls)


def _fingerprints(messages: Sequence[Message]) -> dict[int, str]:
    """By place, those of the turns that may have had a part of ours: the latest, where there are very many."""
    turns = [place for place, message in enumerate(messages) if message.role == "assistant" and message.tool_calls]
    wanted = frozenset(turns[-_MOST_TURNS:])
    conversation = _Conversation()
    prints: dict[int, str] = {}
    for place, message in enumerate(messages):
        if place in wanted:
            prints[place] = conversation.fingerprint(message.tool_calls)
        conversation.add(message)
    return prints


class _Conversation:
    """What both sides know of a conversation, read once from its beginning: it may be long, and so may its turns.

    The same calls may be made again without a word of the user's in between, so each counts its repetitions: no
    two turns of one conversation have the same fingerprint, and what was kept of one is never put back twice.
    """

    def __init__(self) -> None:
        self._said = hashlib.sha256()
        self._times: Counter[_Asked] = Counter()

    def add(self, message: Message) -> None:
        if message.role == "user":
            self._said.update(_digest(_said(message)))
        elif message.role == "assistant":
            self._times.update(_asked(call) for call in message.tool_calls)

    def fingerprint(self, calls: Sequence[ToolCall]) -> str:
        asked_for = sorted((*_asked(call), self._times[_asked(call)]) for call in calls)
        return _digest([self._said.hexdigest(), asked_for]).hex()


def _digest(value: Any) -> bytes:
    return hashlib.sha256(orjson.dumps(value)).digest()


def _asked(call: ToolCall) -> _Asked:
    return call.id, call.name, _canonical(call.arguments)


def _said(message: Message) -> list[tuple[str, str]]:
    texts = [("text", part.text) for part in message.parts if isinstance(part, Text)]
    media = [(part.kind, part.url or part.data or "") for part in message.parts if isinstance(part, Media)]
    return texts + media


def _canonical(arguments: str) -> str:
    """Equal for arguments that are equal as JSON: clients that keep objects write them in their own way."""
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()
    except (ValueError, TypeError):  # the latter for what is nested more deeply than can be written
        return arguments
