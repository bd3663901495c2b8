"""What a request may be that a provider answers later, out of the gateway's sight.

Above: whoever reads batches. The same is asked of it as of one that is answered at once: the key may use its model
and the tools that its provider would run. But nothing is attached or put back: what only this gateway could do
is refused by name, instead of being left undone.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio.lowlevel

from gateway.api.account.asked import Asked
from gateway.api.file_checks import own_files
from gateway.api.model_endpoint import model_in
from gateway.api.provider_tools import check_provider_tools
from gateway.api.route_choice import narrow_route
from gateway.api.toolgate_field import FIELD
from gateway.dialects import Dialect
from gateway.dialects.file_references import file_references
from gateway.dialects.openai_responses.stored_items import PREVIOUS, references_in
from gateway.dialects.splice import is_shadow_of_model
from gateway.errors import InvalidRequest, NotFound, RequestError
from gateway.routing import Route

_SLICE = 0.005
"""Seconds of judging after which others have their turn."""
_MOST_FILES = 10_000
"""That one batch may refer to; no key has more."""
_LONGEST_ID = 256


@contextmanager
def at(where: str) -> Generator[None]:
    """A context in which every error is told with its place."""
    try:
        yield
    except RequestError as error:
        param = f"{where}{error.param or ''}".rstrip(".: ")
        raise type(error)(f"{where}{error.message}", code=error.code, param=param) from error


class BatchJudge:
    """Judges the requests of one batch, one after the other."""

    def __init__(self, asked: Asked) -> None:
        self.models: set[str] = set()
        """By the names that the client used."""
        self._asked = asked
        self._due = time.monotonic() + _SLICE
        self._ids: set[str] = set()
        self._files: dict[str, str] = {}

    async def take_turns(self) -> None:
        """Let others have the processor, if it is time: a batch takes seconds to judge."""
        if time.monotonic() > self._due:
            await anyio.lowlevel.checkpoint()
            self._due = time.monotonic() + _SLICE

    def judge_id(self, custom_id: Any) -> str:
        """The id of a request within its batch. Raises InvalidRequest."""
        if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _LONGEST_ID:
            message = f"custom_id must be a string of 1 to {_LONGEST_ID} characters"
            raise InvalidRequest(message, param="custom_id")
        if custom_id in self._ids:
            message = f"custom_id: {custom_id[:80]!r} is the id of a request before this one"
            raise InvalidRequest(message, param="custom_id")
        self._ids.add(custom_id)
        return custom_id

    def judge(self, dialect: Dialect, fields: Mapping[str, Any], size: int, where: str) -> Route:
        """Where a request of so many bytes may go, which stands at `where`. Raises RequestError, which names the
        field within it.
        """
        principal, services = self._asked.principal, self._asked.services
        _check_fields(dialect, fields)
        tools = list(dialect.provider_tools(fields))
        for tool in tools:
            if tool.name == "mcp":
                message = f"{tool.param}: servers of tools are not reached from within a batch; leave it out"
                raise InvalidRequest(message, code="not_supported", param=tool.param)
        check_provider_tools(tools, principal, services.policies[principal.key_id])
        for file_id in file_references(fields):
            self._files.setdefault(file_id, where)
        if len(self._files) > _MOST_FILES:
            raise InvalidRequest(f"file_id: a batch can refer to {_MOST_FILES} files at most", param="file_id")
        route = services.router.resolve(model_in(fields), principal.models)
        self.models.add(route.model)
        return narrow_route(route, principal, dialect, fields, size, adds_tools=False)

    async def check_files(self) -> None:
        """Raise NotFound for a file that a request refers to and its key did not send."""
        own = await own_files(self._asked.services, self._asked.principal, self._files.keys())
        for file_id, where in self._files.items():
            if file_id not in own:
                param = f"{where}file_id"
                raise NotFound(f"{param}: there is no file with this id; send the file itself", param=param)


def _check_fields(dialect: Dialect, fields: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for what would be left undone, or could be read in another way than it was judged."""
    for name in fields:
        if is_shadow_of_model(name):
            raise InvalidRequest(f"{name}: write it in lower case", param=name)
    if FIELD in fields:
        message = f"{FIELD}: no tools of this gateway's are attached within a batch; leave it out"
        raise InvalidRequest(message, code="not_supported", param=FIELD)
    if not dialect.traits.stores_answers:
        return
    references = references_in(fields)
    for name, found in (
        (PREVIOUS, fields.get(PREVIOUS) is not None),
        ("conversation", fields.get("conversation") is not None),
        ("input", bool(references.items)),
    ):
        if found:
            message = f"{name}: nothing is looked up for a request of a batch; send the whole input"
            raise InvalidRequest(message, code="not_supported", param=name)
