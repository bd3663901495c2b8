"""Answers that clients can refer to later, for the key that had them made.

Above: the endpoint of Responses, and those that show what is stored. Below: a durable store, shared with the
memory of conversations, and the part of the dialect that knows what can be referred to. Providers keep answers,
too, but all keys share one account there: what is not stored here under a key does not exist for it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import orjson

from gateway.auth import Owner, Principal
from gateway.dialects.openai_responses.stored_items import (
    References,
    output_of,
    own_items,
    references_in,
    resolved,
    with_ids,
)
from gateway.errors import InvalidRequest, NotFound
from gateway.tool_loop import Lenient, MemoryStore

_log = logging.getLogger(__name__)

_FORM = 1
_LONGEST_ID = 256
_MOST_ITEMS = 1000  # of one answer that can be referred to by themselves
_LONGEST_CHAIN = 1000  # responses
_MOST_BYTES = 64 * 1024 * 1024  # of what stands before a response
_DAY = 24 * 3600


class StoredPayloads(MemoryStore, Protocol):
    """Keeps several payloads at once, and forgets them."""

    async def put_all(self, owner: Owner, given: Mapping[str, bytes], *, ttl_seconds: int) -> None:
        """Keep all of `given`, by fingerprint, or none."""
        ...

    async def remove(self, owner: Owner, fingerprints: Sequence[str]) -> None:
        """Forget some."""
        ...


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An answer as its client was given it. `input` is what its request said itself, `chain` the ids of the
    responses before it, the oldest first. `provider` has it, too, if it is not empty. Of a key that is not to be
    remembered, `response` is None: only that there is an answer is known.
    """

    response: Mapping[str, Any] | None
    input: Sequence[dict[str, Any]] = ()
    chain: Sequence[str] = ()
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Referring:
    """A request that may refer to stored answers, and what it says in full.

    `held_by` is the provider that has all it refers to, empty where none has all.
    """

    fields: Mapping[str, Any] = field(repr=False)
    references: References
    held_by: str = ""
    chain: Sequence[str] = ()
    items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]], repr=False)
    previous: Sequence[StoredResponse] = field(default=(), repr=False)

    @property
    def is_complete(self) -> bool:
        """Whether all of what it refers to was kept."""
        return all(one.response is not None for one in self.previous) and all(
            self.items.get(one) for one in self.references.items
        )

    def check_complete(self) -> None:
        """Raise InvalidRequest where what it refers to was not kept."""
        if any(one.response is None for one in self.previous):
            message = "previous_response_id: what this key's answers hold is not kept; send the whole input"
            raise InvalidRequest(message, param="previous_response_id")
        if not self.is_complete:
            raise InvalidRequest("input: what this key's items hold is not kept; send them in full", param="input")

    def in_full(self) -> Mapping[str, Any]:
        """The request without references, of which all must be complete."""
        if not self.references:
            return self.fields
        before = [item for one in self.previous for item in (*one.input, *output_of(one.response or {}))]
        return resolved(self.fields, before, self.items)


class StoredResponses:
    """See the module."""

    def __init__(self, store: StoredPayloads, *, retention_days: int) -> None:
        self._store = store
        self._ttl = retention_days * _DAY
        self._lenient = Lenient(_log)

    async def resolve(self, principal: Principal, fields: Mapping[str, Any]) -> Referring:
        """Look up what a request refers to, in three questions at most.

        Raises InvalidRequest and NotFound, in the same words for what never was and for what is another key's, and
        StoreError.
        """
        if fields.get("conversation") is not None:
            message = "conversation: this gateway keeps none; use previous_response_id, or send the whole input"
            raise InvalidRequest(message, code="not_supported", param="conversation")
        references = references_in(fields)
        if not references:
            return Referring(fields, references)
        found = await self._look_up(principal.owner, references)
        previous = self._previous(references, found)
        items = self._items(references, found)
        chain: list[str] = []
        told: list[StoredResponse] = []
        if previous is not None and references.previous is not None:
            told = [*await self._ancestors(principal.owner, references.previous, previous), previous]
            chain = [*previous.chain, references.previous]
        providers = {*(one.provider for one in told), *(one["provider"] for one in items.values())}
        held_by = providers.pop() if len(providers) == 1 else ""
        in_full: dict[str, Mapping[str, Any]] = {one: item.get("item") or {} for one, item in items.items()}
        return Referring(fields, references, held_by, chain, in_full, told)

    async def keep(
        self, principal: Principal, referring: Referring, response: Mapping[str, Any], *, provider: str
    ) -> None:
        """Store an answer. What fails is logged, and costs nobody the answer."""
        await self._lenient.ask(lambda: self._keep(principal, referring, response, provider))

    async def _keep(
        self, principal: Principal, referring: Referring, response: Mapping[str, Any], provider: str
    ) -> None:
        own = with_ids(own_items(referring.fields, referring.items))
        stored = StoredResponse(response, own, tuple(referring.chain)[-_LONGEST_CHAIN:], provider)
        items: Mapping[str, Any] = {item["id"]: item for item in output_of(response)[:_MOST_ITEMS]}
        if not principal.remembers:
            stored, items = StoredResponse(None, provider=provider), dict.fromkeys(items)
        payloads = {_item(one): _dump({"item": item, "provider": provider}) for one, item in items.items()}
        payloads[_response(response["id"])] = _dump(
            {
                "response": stored.response,
                "input": stored.input,
                "chain": stored.chain,
                "provider": stored.provider,
            }
        )
        await self._store.put_all(principal.owner, payloads, ttl_seconds=self._ttl)

    async def response(self, owner: Owner, response_id: str) -> StoredResponse:
        """A stored answer. Raises NotFound and StoreError."""
        found = await self._look_up(owner, References(response_id, ()))
        stored = _load_response(found.get(_response(response_id)))
        if stored is None or stored.response is None:
            raise NotFound(f"Response with id '{response_id[:_LONGEST_ID]}' not found.")
        return stored

    async def forget(self, owner: Owner, response_id: str) -> None:
        """Remove one, with its items. Raises NotFound and StoreError."""
        stored = await self.response(owner, response_id)
        items = [_item(item["id"]) for item in output_of(stored.response or {})]
        await self._store.remove(owner, [_response(response_id), *items])

    async def _look_up(self, owner: Owner, references: References) -> Mapping[str, bytes]:
        previous = [references.previous] if references.previous is not None else []
        wanted = [_response(one) for one in previous] + [_item(one) for one in references.items]
        return await self._store.get(owner, [one for one in wanted if len(one) <= _LONGEST_ID])

    @staticmethod
    def _previous(references: References, found: Mapping[str, bytes]) -> StoredResponse | None:
        if references.previous is None:
            return None
        stored = _load_response(found.get(_response(references.previous)))
        if stored is None:
            raise _no_previous(references.previous)
        return stored

    @staticmethod
    def _items(references: References, found: Mapping[str, bytes]) -> Mapping[str, dict[str, Any]]:
        items: dict[str, dict[str, Any]] = {}
        for one in references.items:
            item = _load(found.get(_item(one)))
            if item is None:
                raise NotFound(f"Item with id '{one[:_LONGEST_ID]}' not found: send it in full.", param="input")
            items[one] = item
        return items

    async def _ancestors(
        self, owner: Owner, previous_id: str, previous: StoredResponse
    ) -> Sequence[StoredResponse]:
        if not previous.chain:
            return ()
        wanted = [_response(one) for one in previous.chain]
        if sum((await self._store.find(owner, wanted)).values()) > _MOST_BYTES:
            message = "previous_response_id: the conversation before it is too long to be put together"
            raise InvalidRequest(message, param="previous_response_id")
        found = await self._store.get(owner, wanted)
        ancestors = [_load_response(found.get(_response(one))) for one in previous.chain]
        there = [one for one in ancestors if one is not None]
        if len(there) != len(ancestors):
            raise _no_previous(previous_id)  # of what it stands on, something is gone
        return there


def _no_previous(response_id: str) -> InvalidRequest:
    message = f"Previous response with id '{response_id[:_LONGEST_ID]}' not found: send the conversation in full."
    return InvalidRequest(message, code="previous_response_not_found", param="previous_response_id")


def _response(response_id: str) -> str:
    return f"response:{response_id}"


def _item(item_id: str) -> str:
    return f"item:{item_id}"


def _dump(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"form": _FORM, **value})


def _load(data: bytes | None) -> dict[str, Any] | None:
    """What was stored; None for another version's."""
    value: Any = None if data is None else orjson.loads(data)
    if not isinstance(value, dict):
        return None
    fields = cast("dict[str, Any]", value)
    return fields if fields.get("form") == _FORM else None


def _load_response(data: bytes | None) -> StoredResponse | None:
    fields = _load(data)
    if fields is None:
        return None
    return StoredResponse(fields["response"], fields["input"], fields["chain"], fields["provider"])
