"""`/v1/files`: files at the provider that `passthrough.provider` names, for keys with `passthrough: files`.

What a batch is made of is a file like others, but for two things: its requests are judged before it is sent
(`batch_files`), and no other file can be made a batch of.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from gateway.api.account.asked import LARGEST_ANSWER, Asked, read_told, shown
from gateway.api.account.batch_files import BatchFile, judge_file
from gateway.api.account.pages import page_after
from gateway.api.client_leaving import CancelledWhenClientLeaves
from gateway.api.multipart import Part, content_type_of, new_boundary, read_form, text_of, write_form
from gateway.api.pass_through import pass_bytes
from gateway.api.responses import JSON, Response, json_response
from gateway.errors import InvalidRequest, UpstreamRefused
from gateway.store import ProviderObject

PATH = "/v1/files"
BELOW = f"{PATH}/"
FAMILY = "files"
BATCH_INPUTS = "batch_inputs"
"""The kind of files whose requests were judged; their purpose is the endpoint that these are for."""
KINDS = (FAMILY, BATCH_INPUTS)

_CONTENT = "/content"
_MOST = 10_000  # files on one page, as OpenAI has it
_GONE = 404
_BATCH = "batch"


async def create_file(asked: Asked) -> None:
    """Send a file to the provider, and note whose it is."""
    parts = read_form(asked.request.headers.get("content-type", ""), asked.body)
    purpose = text_of(parts, "purpose") or ""
    kind = FAMILY
    if purpose == _BATCH:
        judged = await _judged(asked, parts)
        parts = [replace(part, data=judged.data) if part.name == "file" else part for part in parts]
        kind, purpose, asked.run.model = BATCH_INPUTS, judged.endpoint, ", ".join(sorted(judged.models))
    await asked.check_room()
    boundary = new_boundary()
    sent = write_form(parts, boundary)
    asking = asked.services.router.ask(asked.provider, "POST", "/files", sent, content_type_of(boundary))
    # A client that leaves changes nothing from here on: no file is left behind that is nobody's.
    async with asking as given:
        told = await given.read(LARGEST_ANSWER)
    file_id = read_told(asked.provider, told, "file")["id"]
    made = ProviderObject(asked.provider, file_id, kind, purpose, told.decode())
    await asked.objects.add(asked.principal.owner, made)
    await asked.answer.whole(Response(given.status, told, JSON))


async def _judged(asked: Asked, parts: Sequence[Part]) -> BatchFile:
    """What is sent in the place of a file for batches. Raises RequestError, which names the line."""
    if "batches" not in asked.principal.passthrough:
        message = "purpose: batches are not open to this key; its setting `passthrough` can open them"
        raise InvalidRequest(message, code="not_supported", param="purpose")
    files = [part for part in parts if part.name == "file"]
    if len(files) != 1:
        raise InvalidRequest("file: send one file, of lines of JSON", param="file")
    return await judge_file(asked, files[0].data)


async def list_files(asked: Asked) -> None:
    """The key's own files, of which the provider is not asked."""
    made = await asked.objects.of_key(asked.principal.owner, KINDS, provider=asked.provider)
    query, now = asked.query, time.time()
    purpose = query.get("purpose")
    told = {one.object_id: shown(one) for one in made}
    there = [
        one
        for one in made
        if purpose in (None, told[one.object_id].get("purpose"))
        and (told[one.object_id].get("expires_at") or now) >= now
    ]
    page, has_more = page_after(there, query, usual=_MOST, most=_MOST)
    await asked.answer.whole(json_response(list_of([told[one.object_id] for one in page], has_more=has_more)))


def list_of(page: Sequence[dict[str, object]], *, has_more: bool) -> dict[str, object]:
    """A page as OpenAI's clients read it."""
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return {"object": "list", "data": page, "has_more": has_more, **ends}


async def own_file(asked: Asked, file_id: object, param: str = "file_id") -> ProviderObject:
    """A file of the key's own. Raises NotFound."""
    return await asked.own(file_id, KINDS, what="file", param=param)


async def show_file(asked: Asked) -> None:
    """What the provider says of a file, or what is in it."""
    wanted = asked.request.path_after(BELOW)
    file_id = wanted.removesuffix(_CONTENT)
    await own_file(asked, file_id)
    is_content = wanted.endswith(_CONTENT)
    path = f"/files/{file_id}{_CONTENT if is_content else ''}"
    with CancelledWhenClientLeaves(asked.request, asked.answer):
        async with asked.services.router.ask(asked.provider, "GET", path) as given:
            if is_content:
                await pass_bytes(asked.answer, given)
            else:
                told = await given.read(LARGEST_ANSWER)
                await asked.answer.whole(Response(given.status, told, JSON))


async def delete_file(asked: Asked) -> None:
    """Remove one at the provider, then forget it: also one that is no longer there."""
    file_id = asked.request.path_after(BELOW)
    await own_file(asked, file_id)
    objects, owner = asked.objects, asked.principal.owner
    try:
        async with asked.services.router.ask(asked.provider, "DELETE", f"/files/{file_id}") as given:
            told = await given.read(LARGEST_ANSWER)
    except UpstreamRefused as refused:
        if refused.answer.status == _GONE:
            await objects.remove(owner, asked.provider, file_id)
        raise
    await objects.remove(owner, asked.provider, file_id)
    await asked.answer.whole(Response(given.status, told, JSON))
