"""`/v1/batches`: OpenAI's batches at the provider that `passthrough.provider` names, for keys with `passthrough:
[files, batches]`.

What a batch answers are files, of which the provider tells when it tells of the batch: they are the key's own from
then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.api.account.asked import ID, LARGEST_ANSWER, Asked, read_told, shown
from gateway.api.account.batch_files import ENDPOINTS
from gateway.api.account.files import BATCH_INPUTS, list_of, own_file
from gateway.api.account.files import FAMILY as FILES
from gateway.api.account.pages import page_after
from gateway.api.account.refreshing import refresh
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.requests import parse_json_object
from gateway.api.responses import JSON, Response, json_response
from gateway.errors import InvalidRequest, UpstreamRefused
from gateway.store import ProviderObject

PATH = "/v1/batches"
BELOW = f"{PATH}/"
FAMILY = "batches"
CANCEL = "/cancel"
KINDS = (FAMILY,)

_USUAL = 20  # batches on one page
_MOST = 100
_NAMES = frozenset({"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"})
_OUTPUTS = ("output_file_id", "error_file_id")
_FINAL = frozenset({"completed", "failed", "expired", "cancelled"})


async def create_batch(asked: Asked) -> None:
    """Make a batch of a file that was judged, and note whose it is."""
    fields = parse_json_object(asked.body)
    for name in fields:
        if name not in _NAMES:
            message = f"{name[:80]}: is not known; there are {', '.join(sorted(_NAMES))}"
            raise InvalidRequest(message, param=name[:80])
    await _check_input(asked, fields)
    body = _written(fields)
    await asked.check_room()
    asking = asked.services.router.ask(asked.provider, "POST", "/batches", body)
    async with asking as given:  # a client that leaves changes nothing from here on
        told = await given.read(LARGEST_ANSWER)
    batch_id = read_told(asked.provider, told, "batch")["id"]
    made = ProviderObject(asked.provider, batch_id, FAMILY, fields["endpoint"], told.decode())
    await asked.objects.add(asked.principal.owner, made)
    await asked.answer.whole(Response(given.status, told, JSON))


def _written(fields: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields)
    except TypeError as error:  # the one thing that can be read and not be written
        raise InvalidRequest("the request's body is nested too deeply", code="invalid_json") from error


async def _check_input(asked: Asked, fields: Mapping[str, Any]) -> None:
    """Raise NotFound and InvalidRequest for a file that is none of the key's, or was not judged for this."""
    endpoint = fields.get("endpoint")
    if not isinstance(endpoint, str) or endpoint not in ENDPOINTS:
        raise InvalidRequest(f"endpoint must be one of {', '.join(ENDPOINTS)}", param="endpoint")
    file = await own_file(asked, fields.get("input_file_id"), "input_file_id")
    if file.kind != BATCH_INPUTS:
        message = "input_file_id: this file was not sent for batches; send it anew with `purpose: batch`"
        raise InvalidRequest(message, param="input_file_id")
    if file.purpose != endpoint:
        message = f"endpoint: the requests of this file are for {file.purpose}"
        raise InvalidRequest(message, param="endpoint")


async def list_batches(asked: Asked) -> None:
    """The key's own batches, of which the provider is asked how those that had not ended are by now."""
    made = await asked.objects.of_key(asked.principal.owner, KINDS, provider=asked.provider)
    page, has_more = page_after(made, asked.query, usual=_USUAL, most=_MOST)
    with CancelledWhenClientLeaves(asked.request):
        page = await refresh(asked, page, _is_final, _learn)
    await asked.answer.whole(json_response(list_of([shown(one) for one in page], has_more=has_more)))


def _is_final(batch: Mapping[str, Any]) -> bool:
    return batch.get("status") in _FINAL


async def show_batch(asked: Asked) -> None:
    """What the provider says of one."""
    batch = await _own(asked, asked.request.path_after(BELOW))
    with CancelledWhenClientLeaves(asked.request):
        learnt = await _learn(asked, batch)
    await asked.answer.whole(Response(200, learnt.shown.encode(), JSON))


async def cancel_batch(asked: Asked) -> None:
    """Have the provider end one."""
    wanted = asked.request.path_after(BELOW)
    batch = await _own(asked, wanted.removesuffix(CANCEL) if wanted.endswith(CANCEL) else "")
    learnt = await _learn(asked, batch, "POST", CANCEL)
    await asked.answer.whole(Response(200, learnt.shown.encode(), JSON))


async def _own(asked: Asked, batch_id: str) -> ProviderObject:
    return await asked.own(batch_id, KINDS, what="batch", param="batch_id")


async def _learn(asked: Asked, batch: ProviderObject, method: str = "GET", suffix: str = "") -> ProviderObject:
    """A batch as it is by now; what it has answered becomes the key's own."""
    path = f"/batches/{batch.object_id}{suffix}"
    async with asked.services.router.ask(asked.provider, method, path) as given:
        told = await given.read(LARGEST_ANSWER)
    fields = read_told(asked.provider, told, "batch")
    for file_id in await _new_outputs(asked, fields):
        await _add_output(asked, file_id)
    learnt = replace(batch, shown=told.decode())
    await asked.objects.tell(asked.principal.owner, learnt)
    return learnt


async def _new_outputs(asked: Asked, batch: Mapping[str, Any]) -> Sequence[str]:
    told = [batch.get(name) for name in _OUTPUTS]
    ids = [one for one in told if isinstance(one, str) and ID.fullmatch(one)]
    return sorted({*ids} - await asked.objects.owned(asked.principal.owner, asked.provider, ids))


async def _add_output(asked: Asked, file_id: str) -> None:
    """Note a file that a provider made of a key's requests, unless it is gone again."""
    try:
        async with asked.services.router.ask(asked.provider, "GET", f"/files/{file_id}") as given:
            told = await given.read(LARGEST_ANSWER)
    except UpstreamRefused:
        return
    made = ProviderObject(asked.provider, file_id, FILES, "batch_output", told.decode())
    await asked.objects.add(asked.principal.owner, made)
