"""Stores an answer of Responses on its way to the client, for whoever refers to it later.

Above: the endpoint. Below: `stored_responses`. What is stored is what the client was told, whichever way it came
about; it is there before the client has the last of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import anyio
import orjson

from gateway.api.answer import Answer
from gateway.api.services import Services
from gateway.api.stored_responses import Referring, StoredResponses
from gateway.auth import Principal
from gateway.dialects.openai_responses.stored_items import PREVIOUS, AnswerFinder
from gateway.errors import InvalidRequest
from gateway.routing import Route

_MARKS = (b"item_reference", PREVIOUS.encode(), b"conversation")
_ESCAPED = re.compile(rb"\\u00(?:5[fF]|6[1-9a-fA-F]|7[0-9aA])")
"""A letter or a dash of a field's name spelt as an escape: no program writes one so, unless to deceive."""


class AnswerRecorder:
    """See `gateway.api.answer.Recorder`."""

    __slots__ = ("_finder", "_principal", "_referring", "_stored", "provider")

    def __init__(self, stored: StoredResponses, principal: Principal, referring: Referring) -> None:
        self.provider = ""
        self._stored = stored
        self._principal = principal
        self._referring = referring
        self._finder: AnswerFinder | None = AnswerFinder(is_stream=referring.fields.get("stream") is True)

    async def passing(self, data: bytes, *, more: bool) -> None:
        """A piece of the answer."""
        if self._finder is None:
            return
        response = self._finder.feed(data, more=more)
        if response is not None:
            self._finder = None
            with anyio.CancelScope(shield=True):  # it has a deadline of its own
                await self._stored.keep(self._principal, self._referring, response, provider=self.provider)


def can_pass(referring: Referring, route: Route) -> bool:
    """Whether whoever may answer has all that a request refers to."""
    if not referring.references:
        return True
    hosts = {deployment.provider.name for deployment in route.deployments}
    return bool(referring.held_by) and hosts == {referring.held_by}


def passing_body(referring: Referring, body: bytes) -> bytes:
    """The bytes that may pass. Where they speak of references, they are those that were looked up, and no others:
    a body can be made to be read in two ways, by repeating a field.
    """
    is_plain = not any(mark in body for mark in _MARKS) and not _hides_names(body)
    if is_plain and not referring.references:
        return body
    try:
        return orjson.dumps(referring.fields)
    except TypeError as error:
        raise InvalidRequest("the request's body is nested too deeply", code="invalid_json") from error


def _hides_names(body: bytes) -> bool:
    return b"\\u00" in body and _ESCAPED.search(body) is not None


def record(
    answer: Answer, services: Services, principal: Principal, referring: Referring, *, passes: bool
) -> Mapping[str, Any]:
    """Have an answer stored, if it is to be; what it is to say of that.

    Of one that passes, and is thereby stored by its provider, it is known at least whose it is. Raises
    InvalidRequest for a request that does not pass, and refers to what was not kept.
    """
    if not passes:
        referring.check_complete()
    is_wanted = referring.fields.get("store") is not False
    if is_wanted and (passes or principal.remembers):
        answer.recorder = AnswerRecorder(services.stored, principal, referring)
    previous = {PREVIOUS: referring.references.previous} if referring.references.previous else {}
    return {**previous, "store": is_wanted and principal.remembers}
