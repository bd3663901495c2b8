"""One request of a key for what it has in a provider's account: the frame around each, and what all ask."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs

import orjson

from gateway.api.answer import Answer
from gateway.api.endpoint import Handler
from gateway.api.media_calls import UPLOADING, check_open
from gateway.api.requests import Request
from gateway.api.run_records import RunLog
from gateway.api.services import Services
from gateway.auth import Principal
from gateway.errors import InvalidRequest, NotFound, PermissionDenied, UpstreamProtocolError
from gateway.store import ProviderObject, ProviderObjects

ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
"""What an id looks like: nothing that could lead elsewhere within a path."""
LARGEST_ANSWER = 1024 * 1024
"""Bytes of what a provider says of one thing."""

_MOST_FIELDS = 20  # of a query


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a key that may have such things."""

    request: Request
    services: Services
    answer: Answer
    principal: Principal
    run: RunLog
    body: bytes = field(repr=False)

    @property
    def provider(self) -> str:
        """Where all files are, and batches of them."""
        return self.services.passthrough_provider

    @property
    def objects(self) -> ProviderObjects:
        """Whose everything is."""
        return self.services.objects

    @property
    def query(self) -> Mapping[str, str]:
        """What stands behind the path; the last of what is repeated. Raises InvalidRequest."""
        try:
            given = parse_qs(self.request.scope["query_string"].decode("latin-1"), max_num_fields=_MOST_FIELDS)
        except ValueError as error:  # too many of them
            raise InvalidRequest(f"the query has more than {_MOST_FIELDS} fields") from error
        return {name: values[-1] for name, values in given.items()}

    async def own(
        self, object_id: Any, kinds: Collection[str], *, what: str, param: str, speaks: str = ""
    ) -> ProviderObject:
        """What this key made where all files are, or else at any provider that speaks a dialect. Raises NotFound
        for what is another key's, in the words for what never was.
        """
        found = None
        if isinstance(object_id, str) and ID.fullmatch(object_id):
            provider = None if speaks else self.provider
            found = await self.objects.find(self.principal.owner, object_id, kinds, provider=provider)
        if found is None or (speaks and not self.services.router.speaks(found.provider, speaks)):
            raise NotFound(f"there is no {what} with this id", param=param)
        return found

    async def check_room(self) -> None:
        """Raise PermissionDenied for a key that has as much as it may have."""
        if not await self.objects.has_room(self.principal.owner):
            message = "this key has as many files and batches as it may have; delete some"
            raise PermissionDenied(message, code="too_many_files")


Work = Callable[[Asked], Awaitable[None]]


def account_call(family: str, name: str, work: Work, *, uploads: bool = False) -> Handler:
    """An endpoint for keys with `passthrough: family` that does `work`, and records it as `family/name`. With
    `uploads` its body may be as long as files.
    """

    async def call(request: Request, services: Services, answer: Answer) -> None:
        """One request."""
        principal = await services.callers.identify(request.headers)
        check_open(request, principal, family)
        if uploads:
            request.body_limit, request.body_seconds = services.http_limits.upload_bytes, UPLOADING
        body = await request.body()  # also where there is none: what comes after it is the client's leaving
        run = RunLog(request, principal, f"{family}/{name}")
        async with run.recorded(services):
            await work(Asked(request, services, answer, principal, run, body))

    return call


def read_told(provider: str, told: bytes, what: str) -> dict[str, Any]:
    """What a provider says of one thing, which has an id. Raises UpstreamProtocolError."""
    try:
        fields: Any = orjson.loads(told)
        object_id = fields["id"]
    except (ValueError, LookupError, TypeError):
        fields, object_id = None, None
    if not isinstance(object_id, str) or not ID.fullmatch(object_id):
        message = f"the provider {provider} did not say which {what} it made"
        raise UpstreamProtocolError(message, provider=provider)
    return cast("dict[str, Any]", fields)


def shown(made: ProviderObject) -> dict[str, Any]:
    """What the provider told of one."""
    return cast("dict[str, Any]", orjson.loads(made.shown))
