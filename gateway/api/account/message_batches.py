"""`/v1/messages/batches`: Anthropic's batches, for keys with `passthrough: batches`.

Nothing of theirs is a file: requests come along (`message_requests`), and answers are read from the batch itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import orjson

from gateway.api.account.asked import LARGEST_ANSWER, Asked, read_told, shown
from gateway.api.account.message_requests import judge_requests
from gateway.api.account.pages import page_around
from gateway.api.account.refreshing import refresh
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.pass_through import pass_bytes
from gateway.api.requests import parse_json_object
from gateway.api.responses import JSON, Response, json_response
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.errors import UpstreamRefused
from gateway.providers.answers import ProviderAnswer
from gateway.store import ProviderObject

PATH = "/v1/messages/batches"
BELOW = f"{PATH}/"
FAMILY = "batches"
KINDS = ("message_batches",)

_CANCEL, _RESULTS = "/cancel", "/results"
_USUAL, _LONGEST_PAGE = 20, 1000
_PAGE = 100
"""Batches on one page at most: of each, the provider may have to be asked."""
_GONE = 404


async def create_batch(asked: Asked) -> None:
    """Judge the requests, send them with the provider's own names for their models, and note whose they are."""
    batch = await judge_requests(asked, parse_json_object(asked.body))
    await asked.check_room()
    asked.run.model = ", ".join(sorted(batch.models))
    headers = {
        name: asked.request.headers[name]
        for name in ANTHROPIC_MESSAGES.traits.request_headers
        if name in asked.request.headers
    }
    asking = asked.services.router.ask(
        batch.provider, "POST", "/messages/batches", batch.body, dialect=ANTHROPIC_MESSAGES.name, headers=headers
    )
    async with asking as given:  # a client that leaves changes nothing from here on
        told = await given.read(LARGEST_ANSWER)
    fields = _as_ours(read_told(batch.provider, told, "batch"))
    made = ProviderObject(batch.provider, fields["id"], KINDS[0], "", orjson.dumps(fields).decode())
    await asked.objects.add(asked.principal.owner, made)
    await asked.answer.whole(json_response(fields))


def _as_ours(batch: dict[str, Any]) -> dict[str, Any]:
    """A batch whose results are here: at the address of the provider's, clients would show it their key for this
    gateway. Below a client's base URL, as SDKs take it, for nobody knows better by which name it came here.
    """
    if batch.get("results_url"):
        batch["results_url"] = f"{BELOW}{batch['id']}{_RESULTS}"
    return batch


async def list_batches(asked: Asked) -> None:
    """The key's own batches, of which the provider is asked how those that had not ended are by now."""
    made = [
        one
        for one in await asked.objects.of_key(asked.principal.owner, KINDS)
        if asked.services.router.speaks(one.provider, ANTHROPIC_MESSAGES.name)
    ]
    page, has_more = page_around(made, asked.query, usual=_USUAL, most=_LONGEST_PAGE)
    if len(page) > _PAGE:
        page, has_more = _shortened(page, is_backwards="before_id" in asked.query), True
    with CancelledWhenClientLeaves(asked.request):
        page = await refresh(asked, page, _is_final, _learn)
    data = [shown(one) for one in page]
    ends = {"first_id": page[0].object_id if page else None, "last_id": page[-1].object_id if page else None}
    await asked.answer.whole(json_response({"data": data, "has_more": has_more, **ends}))


def _shortened(page: Sequence[ProviderObject], *, is_backwards: bool) -> Sequence[ProviderObject]:
    return page[-_PAGE:] if is_backwards else page[:_PAGE]


def _is_final(batch: Mapping[str, Any]) -> bool:
    return batch.get("processing_status") == "ended"


async def show_batch(asked: Asked) -> None:
    """What the provider says of one, or what came of its requests."""
    wanted = asked.request.path_after(BELOW)
    batch = await _own(asked, wanted.removesuffix(_RESULTS))
    with CancelledWhenClientLeaves(asked.request, asked.answer):
        if wanted.endswith(_RESULTS):
            async with _ask(asked, batch, "GET", _RESULTS) as given:
                await pass_bytes(asked.answer, given)
        else:
            learnt = await _learn(asked, batch)
            await asked.answer.whole(Response(200, learnt.shown.encode(), JSON))


async def cancel_batch(asked: Asked) -> None:
    """Have the provider end one."""
    wanted = asked.request.path_after(BELOW)
    batch = await _own(asked, wanted.removesuffix(_CANCEL) if wanted.endswith(_CANCEL) else "")
    learnt = await _learn(asked, batch, "POST", _CANCEL)
    await asked.answer.whole(Response(200, learnt.shown.encode(), JSON))


async def delete_batch(asked: Asked) -> None:
    """Remove one at the provider, then forget it: also one that is no longer there."""
    batch = await _own(asked, asked.request.path_after(BELOW))
    owner = asked.principal.owner
    try:
        async with _ask(asked, batch, "DELETE") as given:
            told = await given.read(LARGEST_ANSWER)
    except UpstreamRefused as refused:
        if refused.answer.status == _GONE:
            await asked.objects.remove(owner, batch.provider, batch.object_id)
        raise
    await asked.objects.remove(owner, batch.provider, batch.object_id)
    await asked.answer.whole(Response(given.status, told, JSON))


async def _own(asked: Asked, batch_id: str) -> ProviderObject:
    return await asked.own(batch_id, KINDS, what="batch", param="message_batch_id", speaks=ANTHROPIC_MESSAGES.name)


def _ask(
    asked: Asked, batch: ProviderObject, method: str, suffix: str = ""
) -> AbstractAsyncContextManager[ProviderAnswer]:
    path = f"/messages/batches/{batch.object_id}{suffix}"
    return asked.services.router.ask(batch.provider, method, path, dialect=ANTHROPIC_MESSAGES.name)


async def _learn(asked: Asked, batch: ProviderObject, method: str = "GET", suffix: str = "") -> ProviderObject:
    """A batch as it is by now."""
    async with _ask(asked, batch, method, suffix) as given:
        told = await given.read(LARGEST_ANSWER)
    fields = _as_ours(read_told(batch.provider, told, "batch"))
    learnt = replace(batch, shown=orjson.dumps(fields).decode())
    await asked.objects.tell(asked.principal.owner, learnt)
    return learnt
