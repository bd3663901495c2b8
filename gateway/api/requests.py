"""Reads HTTP requests off ASGI: head, body within bounds, JSON."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson
from starlette.types import Receive, Scope

from gateway.api.ids import new_run_id, request_id_for
from gateway.errors import InvalidRequest, PayloadTooLarge

_READING = 60.0  # seconds for a body to arrive
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)


class ClientLeft(Exception):
    """The client closed the connection before its request was complete: there is nobody to answer."""


class Request:
    """One HTTP request. Reading the body is left to whoever wants it."""

    __slots__ = (
        "_is_late",
        "_loop",
        "body_limit",
        "body_seconds",
        "headers",
        "receive",
        "request_id",
        "run_id",
        "scope",
    )

    def __init__(self, scope: Scope, receive: Receive, *, body_limit: int = 64 * 1024) -> None:
        """Read the head. `headers` has lower-case names; the values of one that is repeated are joined."""
        self.scope = scope
        self.headers: Mapping[str, str] = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if len(self.headers) != len(scope["headers"]):
            self.headers = _joined(scope["headers"])
        self.run_id = new_run_id()
        given = self.headers.get("x-request-id")
        self.request_id = given if given and _GIVEN_ID.fullmatch(given) else request_id_for(self.run_id)
        self.receive = receive
        """The rest of what the client sends; after the body, that is its leaving."""
        self.body_limit = body_limit
        """In bytes."""
        self.body_seconds = _READING
        self._is_late = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The running loop, asked for once: before Python 3.12, that is a system call."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    @property
    def ids(self) -> dict[str, str]:
        """The headers that every answer carries."""
        return {"x-request-id": self.request_id, "x-toolgate-run-id": self.run_id}

    def path_after(self, prefix: str) -> str:
        """What follows `prefix` in the path, decoded. A router would leave out a line end at its end."""
        return cast("str", self.scope["path"]).removeprefix(prefix)

    async def body(self) -> bytes:
        """The whole body. Raises PayloadTooLarge, InvalidRequest when it takes too long, ClientLeft."""
        if _declared_length(self.headers) > self.body_limit:
            raise self._too_large()
        reading = asyncio.current_task(self.loop)
        alarm = self.loop.call_later(self.body_seconds, self._give_up, reading)
        try:
            return await self._read_body()
        except asyncio.CancelledError:
            if not self._is_late or reading is None or reading.uncancel() > 0:
                raise
            message = f"the request's body did not arrive within {self.body_seconds:g} seconds"
            raise InvalidRequest(message, code="body_timeout") from None
        finally:
            alarm.cancel()

    def _give_up(self, reading: asyncio.Task[Any] | None) -> None:
        """A bare timer: it is set for every request and hardly ever goes off."""
        self._is_late = True
        if reading is not None:
            reading.cancel()

    async def _read_body(self) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > self.body_limit:
                raise self._too_large()
            pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"the request's body is larger than {self.body_limit} bytes")


def parse_json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises InvalidRequest, which names the place of a mistake."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        what = "is empty" if not body.strip() else f"is not valid JSON: {error}"
        raise InvalidRequest(f"the request's body {what}", code="invalid_json") from error
    if not isinstance(value, dict):
        raise InvalidRequest("the request's body must be a JSON object", code="invalid_json")
    return cast("dict[str, Any]", value)


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """What a repeated name means (RFC 9110, section 5.3). Of two credentials, none is thereby valid."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return {name: ", ".join(repeated) for name, repeated in values.items()}


def _declared_length(headers: Mapping[str, str]) -> int:
    declared = headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0
