"""Turns in which a model asked for the client's tools and ours at once.

Ours run at once; the client gets its own calls and comes back with their results, but its history lacks what
the gateway did. `Handoffs` keeps that part of the conversation and puts it back, found by the client's calls
and the key. Above: the API. Below: a durable store (any replica may be the one that is asked).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import orjson

from gateway.auth import KeyId
from gateway.conversation import Message, ToolCall
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

    async def keep(self, key_id: KeyId, calls: Sequence[ToolCall], transcript: Sequence[Message]) -> None:
        """Remember everything that this run added to the conversation, until the client answers `calls`."""
        await self._store.put(key_id, fingerprint(calls), dump_messages(transcript), ttl_seconds=RETENTION_SECONDS)

    async def restore(self, key_id: KeyId, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """The history with our part put back; a message that the client has edited is left as it is."""
        prints = {
            index: fingerprint(message.tool_calls)
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


def fingerprint(calls: Sequence[ToolCall]) -> str:
    """A digest of the calls' ids, names and arguments, in any order."""
    parts = sorted((call.id, call.name, call.arguments) for call in calls)
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()
