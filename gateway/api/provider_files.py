"""`/v1/files`: files at the provider that `passthrough.provider` names, for keys with `passthrough: files`.

All keys share one account there. Which key sent a file is noted before the key is told of it; a key's own files
alone are listed, shown, read, removed and referred to, and any other id is answered like one that never was,
without asking the provider. Lists are of what was noted: a page of the provider's would be full of other keys'
files, and empty of this one's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

import orjson

from gateway.api.answer import Answer
from gateway.api.endpoint import Handler
from gateway.api.errors import describe_error
from gateway.api.media_calls import UPLOADING, check_open
from gateway.api.multipart import content_type_of, new_boundary, read_form, text_of, write_form
from gateway.api.pass_through import pass_bytes
from gateway.api.presence import CancelledWhenClientLeaves
from gateway.api.requests import ClientLeft, Request
from gateway.api.responses import JSON, Response, json_response
from gateway.api.run_records import RunLog
from gateway.api.services import Services
from gateway.auth import Principal
from gateway.errors import InvalidRequest, NotFound, PermissionDenied, UpstreamProtocolError, UpstreamRefused
from gateway.store import ProviderObject

PATH = "/v1/files"
BELOW = f"{PATH}/"
FAMILY = "files"

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CONTENT = "/content"
_MOST = 10_000  # files on one page, as OpenAI has it
_LARGEST_ANSWER = 64 * 1024
_GONE = 404
_BATCH = "batch"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request of a key that may have files; `body` is empty unless it sends one."""

    request: Request
    services: Services
    answer: Answer
    principal: Principal
    body: bytes = field(repr=False)

    @property
    def provider(self) -> str:
        """Where all files are."""
        return self.services.passthrough_provider

    async def check_own(self, file_id: str) -> None:
        """Raise NotFound for what is another key's, in the words for what never was."""
        known = _ID.fullmatch(file_id) is not None
        if not known or not await self.services.objects.owned(self.principal.owner, self.provider, [file_id]):
            raise NotFound("there is no file with this id", param="file_id")


Work = Callable[[_Asked], Awaitable[None]]


def files_call(name: str, work: Work) -> Handler:
    """An endpoint that does `work`, and records it as `name`."""

    async def call(request: Request, services: Services, answer: Answer) -> None:
        """One request."""
        principal = await services.callers.identify(request.headers)
        check_open(request, principal, FAMILY)
        body = b""
        if request.scope["method"] == "POST":
            request.body_limit, request.body_seconds = services.http_limits.upload_bytes, UPLOADING
            body = await request.body()
        run = RunLog(request, principal, f"{FAMILY}/{name}")
        try:
            await work(_Asked(request, services, answer, principal, body))
            run.outcome = "ok"
        except ClientLeft:
            raise
        except Exception as error:
            run.outcome = describe_error(error, request_id=request.request_id).outcome
            raise
        finally:
            await run.record(services)

    return call


async def create_file(asked: _Asked) -> None:
    """Send a file to the provider, and note whose it is."""
    parts = read_form(asked.request.headers.get("content-type", ""), asked.body)
    purpose = text_of(parts, "purpose") or ""
    if purpose == _BATCH:
        message = "purpose: batches are not served here, for their requests would pass by the policies of keys"
        raise InvalidRequest(message, code="not_supported", param="purpose")
    objects, owner = asked.services.objects, asked.principal.owner
    if not await objects.has_room(owner):
        raise PermissionDenied("this key has as many files as it may have; delete some", code="too_many_files")
    boundary = new_boundary()
    sent = write_form(parts, boundary)
    asking = asked.services.router.ask(asked.provider, "POST", "/files", sent, content_type_of(boundary))
    # A client that leaves changes nothing from here on: no file is left behind that is nobody's.
    async with asking as given:
        told = await given.read(_LARGEST_ANSWER)
    await objects.add(owner, asked.provider, _read_file(asked.provider, told, purpose))
    await asked.answer.whole(Response(given.status, told, JSON))


def _read_file(provider: str, told: bytes, purpose: str) -> ProviderObject:
    try:
        fields: Any = orjson.loads(told)
        object_id = fields["id"]
    except (ValueError, LookupError, TypeError):
        object_id = None
    if not isinstance(object_id, str) or not _ID.fullmatch(object_id):
        message = f"the provider {provider} did not say which file it made"
        raise UpstreamProtocolError(message, provider=provider)
    return ProviderObject(object_id, FAMILY, purpose, told.decode())


async def list_files(asked: _Asked) -> None:
    """The key's own files, of which the provider is not asked."""
    given = parse_qs(asked.request.scope["query_string"].decode("latin-1"), max_num_fields=20)
    query = {name: values[-1] for name, values in given.items()}
    made = await asked.services.objects.of_key(asked.principal.owner, asked.provider, FAMILY)
    purpose, now = query.get("purpose"), time.time()
    shown = [_shown(one) for one in made if purpose in (None, one.purpose)]
    there = [one for one in shown if (one.get("expires_at") or now) >= now]
    await asked.answer.whole(json_response(_page(there, query)))


def _shown(made: ProviderObject) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", orjson.loads(made.shown))


def _page(files: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> Mapping[str, Any]:
    """A page of a list that begins with the newest."""
    order, limit, after = query.get("order", "desc"), query.get("limit", str(_MOST)), query.get("after")
    if order not in ("asc", "desc"):
        raise InvalidRequest("order must be asc or desc", param="order")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:6]) <= _MOST:
        raise InvalidRequest(f"limit must be a whole number from 1 to {_MOST}", param="limit")
    ordered = list(files) if order == "desc" else list(reversed(files))
    ids = [file["id"] for file in ordered]
    if after is not None and after not in ids:
        raise InvalidRequest("after must be the id of a file of this list", param="after")
    begin = 0 if after is None else ids.index(after) + 1
    page = ordered[begin : begin + int(limit)]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {"first_id": None, "last_id": None}
    return {"object": "list", "data": page, "has_more": begin + int(limit) < len(ordered), **ends}


async def show_file(asked: _Asked) -> None:
    """What the provider says of a file, or what is in it."""
    wanted = asked.request.path_after(BELOW)
    file_id = wanted.removesuffix(_CONTENT)
    await asked.check_own(file_id)
    is_content = wanted.endswith(_CONTENT)
    path = f"/files/{file_id}{_CONTENT if is_content else ''}"
    with CancelledWhenClientLeaves(asked.request, asked.answer):
        async with asked.services.router.ask(asked.provider, "GET", path) as given:
            if is_content:
                await pass_bytes(asked.answer, given)
            else:
                told = await given.read(_LARGEST_ANSWER)
                await asked.answer.whole(Response(given.status, told, JSON))


async def delete_file(asked: _Asked) -> None:
    """Remove one at the provider, then forget it: also one that is no longer there."""
    file_id = asked.request.path_after(BELOW)
    await asked.check_own(file_id)
    objects, owner = asked.services.objects, asked.principal.owner
    try:
        async with asked.services.router.ask(asked.provider, "DELETE", f"/files/{file_id}") as given:
            told = await given.read(_LARGEST_ANSWER)
    except UpstreamRefused as refused:
        if refused.answer.status == _GONE:
            await objects.remove(owner, asked.provider, file_id)
        raise
    await objects.remove(owner, asked.provider, file_id)
    await asked.answer.whole(Response(given.status, told, JSON))
