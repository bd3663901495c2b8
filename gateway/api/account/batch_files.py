"""Files of requests for batches, as OpenAI has them: lines of JSON, of which each is one request.

What was judged is what the provider gets: each line is written anew, with the provider's own name for its model,
and in a way that no reader can take for two lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

import orjson

from gateway.api.account.asked import Asked
from gateway.api.account.batch_requests import BatchJudge, at
from gateway.dialects import Dialect
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.errors import InvalidRequest, PayloadTooLarge
from gateway.routing import Route

ENDPOINTS: Mapping[str, Dialect] = {
    "/v1/chat/completions": OPENAI_CHAT,
    "/v1/responses": OPENAI_RESPONSES,
    "/v1/embeddings": OPENAI_CHAT,
    "/v1/completions": OPENAI_CHAT,
}
"""What a batch may be for, and how its requests are read."""

_MOST = 50_000  # requests, as OpenAI has it
_MOST_LINES = 2 * _MOST  # with those that are empty
_NAMES = frozenset({"custom_id", "method", "url", "body"})
_LINE_ENDS = {"\x85": b"\\u0085", "\u2028": b"\\u2028", "\u2029": b"\\u2029"}
"""What stands within strings as it is, and ends a line for some readers."""


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file of requests that may be sent. `models` are named as the client did."""

    data: bytes = field(repr=False)
    endpoint: str
    models: frozenset[str]


async def judge_file(asked: Asked, data: bytes) -> BatchFile:
    """Judge what a key wants to make a batch of. Raises RequestError, which names the line, counted from 1, and
    the field.
    """
    judge = BatchJudge(asked)
    reading = _Reading(asked, judge)
    for number, line in enumerate(BytesIO(data), 1):
        await judge.take_turns()
        if number > _MOST_LINES:
            raise InvalidRequest(f"file: it has more than {_MOST_LINES} lines", param="file")
        if line.strip():
            reading.take(line.removesuffix(b"\n"), f"line {number}: ")
    if not reading.lines:
        raise InvalidRequest("file: it holds no request; write one as JSON on each line", param="file")
    await judge.check_files()
    return BatchFile(b"\n".join([*reading.lines, b""]), reading.endpoint, frozenset(judge.models))


class _Reading:
    """What has been read so far."""

    def __init__(self, asked: Asked, judge: BatchJudge) -> None:
        self.lines: list[bytes] = []
        self.endpoint = ""
        self._provider = asked.provider
        self._longest = asked.services.http_limits.body_bytes
        self._judge = judge

    def take(self, line: bytes, where: str) -> None:
        """One line. Raises RequestError."""
        with at(where):
            if len(line) > self._longest:
                raise PayloadTooLarge(f"it is longer than {self._longest} bytes")
            if len(self.lines) >= _MOST:
                raise InvalidRequest(f"there are more than {_MOST} requests; make several batches of them")
            said = _request(line)
            custom_id = self._judge.judge_id(said.get("custom_id"))
            dialect = self._dialect(said)
            body = _body(said)
        within = f"{where}body."
        with at(within):
            route = self._judge.judge(dialect, body, len(line), within)
            model = _model_at(self._provider, dialect, route)
        written = {"custom_id": custom_id, "method": "POST", "url": self.endpoint, "body": body | {"model": model}}
        with at(where):
            self.lines.append(_line(written))

    def _dialect(self, said: Mapping[str, Any]) -> Dialect:
        if said.get("method") != "POST":
            raise InvalidRequest("method must be POST", param="method")
        url = said.get("url")
        if not isinstance(url, str) or url not in ENDPOINTS:
            raise InvalidRequest(f"url must be one of {', '.join(ENDPOINTS)}", param="url")
        self.endpoint = self.endpoint or url
        if url != self.endpoint:
            raise InvalidRequest(f"url must be the same on all lines: {self.endpoint}", param="url")
        return ENDPOINTS[url]


def _request(line: bytes) -> dict[str, Any]:
    try:
        said: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"it is not valid JSON: {error}", code="invalid_json") from error
    if not isinstance(said, dict):
        raise InvalidRequest("it must be a JSON object", code="invalid_json")
    fields = cast("dict[str, Any]", said)
    for name in fields:
        if name not in _NAMES:
            message = f"{name[:80]}: is not known; there are {', '.join(sorted(_NAMES))}"
            raise InvalidRequest(message, param=name[:80])
    return fields


def _body(said: Mapping[str, Any]) -> dict[str, Any]:
    body = said.get("body")
    if not isinstance(body, dict):
        raise InvalidRequest("body must be an object: the request", param="body")
    return cast("dict[str, Any]", body)


def _model_at(provider: str, dialect: Dialect, route: Route) -> str:
    """The provider's own name for the model. Raises InvalidRequest where it does not have it."""
    for deployment in route.deployments:
        if deployment.provider.name == provider and dialect.name in deployment.provider.dialects:
            return deployment.model
    message = f"model: {route.model[:80]!r} is not at the provider that runs batches, or not in this format"
    raise InvalidRequest(f"{message}; use a model of its own", code="not_supported", param="model")


def _line(written: Mapping[str, Any]) -> bytes:
    try:
        line = orjson.dumps(written)
    except TypeError as error:  # the one thing that can be read and not be written
        raise InvalidRequest("body: it is nested too deeply", code="invalid_json", param="body") from error
    for end, escaped in _LINE_ENDS.items():
        line = line.replace(end.encode(), escaped)
    return line
