"""The requests of a batch of Anthropic's, which come along with it.

Their models say where they go: to the first provider that speaks Anthropic's format and has all of them. What was
judged is what it gets: they are written anew, with its own names for their models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from gateway.api.account.asked import Asked
from gateway.api.account.batch_requests import BatchJudge, at
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.errors import InvalidRequest
from gateway.routing import Route

_MOST = 100_000  # requests, as Anthropic has it
_NAMES = frozenset({"custom_id", "params"})


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """A batch that may be sent. `models` are named as the client did."""

    body: bytes = field(repr=False)
    provider: str
    models: frozenset[str]


async def judge_requests(asked: Asked, fields: Mapping[str, Any]) -> MessageBatch:
    """Judge what a key wants to make a batch of. Raises RequestError, which names the request and the field."""
    judge, places = BatchJudge(asked), _Places()
    for index, request in enumerate(_requests(fields)):
        where = f"requests[{index}]."
        await judge.take_turns()
        with at(where):
            _take(request, judge, places, where)
    await judge.check_files()
    body = _written({"requests": places.requests()})
    return MessageBatch(body, places.provider, frozenset(judge.models))


def _requests(fields: Mapping[str, Any]) -> list[Any]:
    for name in fields:
        if name != "requests":
            raise InvalidRequest(f"{name[:80]}: is not known; a batch has requests alone", param=name[:80])
    requests = fields.get("requests")
    if not isinstance(requests, list) or not 0 < len(cast("list[Any]", requests)) <= _MOST:
        raise InvalidRequest(f"requests must be a list of 1 to {_MOST} requests", param="requests")
    return cast("list[Any]", requests)


class _Places:
    """Where the requests can go, all of them to one provider."""

    def __init__(self) -> None:
        self._hosts: list[str] = []
        self._taken: list[tuple[dict[str, Any], Mapping[str, str]]] = []

    def add(self, request: dict[str, Any], route: Route) -> None:
        """One more. Raises InvalidRequest where no provider has it and all before it."""
        models = {
            deployment.provider.name: deployment.model
            for deployment in reversed(route.deployments)
            if ANTHROPIC_MESSAGES.name in deployment.provider.dialects
        }
        hosts = self._hosts if self._taken else list(reversed(models))
        self._hosts = [host for host in hosts if host in models]
        if not self._hosts:
            before = " and the models before it" if self._taken else ""
            message = f"model: no provider that speaks Anthropic's format has {route.model[:80]!r}{before}"
            raise InvalidRequest(message, code="not_supported", param="model")
        self._taken.append((request, models))

    @property
    def provider(self) -> str:
        """The one that is preferred."""
        return self._hosts[0]

    def requests(self) -> list[dict[str, Any]]:
        """The requests as they are sent there."""
        host = self.provider
        return [
            {**request, "params": {**request["params"], "model": models[host]}} for request, models in self._taken
        ]


def _take(request: Any, judge: BatchJudge, places: _Places, where: str) -> None:
    if not isinstance(request, dict):
        raise InvalidRequest("custom_id and params must stand in an object")
    fields = cast("dict[str, Any]", request)
    for name in fields:
        if name not in _NAMES:
            raise InvalidRequest(f"{name[:80]}: is not known; there are custom_id and params", param=name[:80])
    judge.judge_id(fields.get("custom_id"))
    params = fields.get("params")
    if not isinstance(params, dict):
        raise InvalidRequest("params must be an object: the request", param="params")
    with at("params."):
        said = cast("dict[str, Any]", params)
        places.add(fields, judge.judge(ANTHROPIC_MESSAGES, said, len(_written(said)), f"{where}params."))


def _written(value: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:  # the one thing that can be read and not be written
        raise InvalidRequest("it is nested too deeply", code="invalid_json") from error
