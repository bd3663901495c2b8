"""Turns in which a model asked for the client's tools and ours at once.

Ours run at once; the client gets its own calls and comes back with their results, but its history lacks what
the gateway did. `Handoffs` keeps that part of the conversation and puts it back, found by the key, what the
user said, and the client's calls. Above: the API. Below: a durable store (any replica may be asked).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import orjson

from gateway.auth import KeyId
from gateway.conversation import Media, Message, Text, ToolCall
from gateway.conversation.codec import dump_messages, load_messages

RETENTION_SECONDS = 7 * 24 * 3600
"""For how long a client may take to come back with its results."""


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
        prints = {
            index: fingerprint(messages[:index], message.tool_calls)
            for index, message in enumerate(messages)
            if message.role == "assistant" and message.tool_calls
        }
        if not prints:
            return messages
        kept = await self._store.get(key_id, tuple(dict.fromkeys(prints.values())))
        restored: list[Message] = []
        for index, message in enumerate(messages):
            payload = kept.get(prints[index]) if index in prints else None
            restored.extend((message,) if payload is None else load_messages(payload))
        return tuple(restored)


def fingerprint(before: Sequence[Message], calls: Sequence[ToolCall]) -> str:
    """A digest of what the user said before, and of the calls' ids, names and arguments, in any order.

    Ids alone would not do: some models number their calls in every answer anew, and what was done in one
    conversation must never be put into another. The user's messages are what both sides know alike.
    """
    said = [_said(message) for message in before if message.role == "user"]
    asked_for = sorted((call.id, call.name, _canonical(call.arguments)) for call in calls)
    return hashlib.sha256(orjson.dumps([said, asked_for])).hexdigest()


def _said(message: Message) -> list[tuple[str, str]]:
    texts = [("text", part.text) for part in message.parts if isinstance(part, Text)]
    media = [(part.kind, part.url or part.data or "") for part in message.parts if isinstance(part, Media)]
    return texts + media


def _canonical(arguments: str) -> str:
    """Equal for arguments that are equal as JSON: clients that keep objects write them in their own way."""
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()
    except ValueError:
        return arguments
