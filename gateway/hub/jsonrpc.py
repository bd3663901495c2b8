"""JSON-RPC 2.0 messages as MCP uses them, and their framing in lines. No I/O."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from gateway.hub.meanwhile import Meanwhile
from gateway.hub.peer import JsonObject, RequestFault, RpcError
from gateway.hub.protocol import INTERNAL_ERROR, LOG_MESSAGE, METHOD_NOT_FOUND
from gateway.hub.results import ProgressListener, read_progress
from gateway.telemetry.visible import make_visible

_LONGEST_ERROR = 4000  # characters of a server's error message
_LONGEST_METHOD = 100  # characters of the name of a method that we do not offer
_log = logging.getLogger(__name__)

LARGEST_MESSAGE = 8 * 1024 * 1024
"""Bytes in one message from a server; what is larger fails the request that it answers."""

_EDGE = 512  # bytes kept of both ends of an overlong line: enough to find the id in it
_ID_AT_START = re.compile(
    rb'\A\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*"?(\d{1,15})"?\s*,(?!\s*"method")'
)
_ID_AT_END = re.compile(rb',\s*"id"\s*:\s*"?(\d{1,15})"?\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*\Z')


@dataclass(frozen=True, slots=True)
class OverlongLine:
    """What is left of a line over the limit: its first and its last bytes."""

    head: bytes
    tail: bytes


class LineFramer:
    """Cuts a byte stream into lines, in time linear in its length and memory bounded by `limit` bytes."""

    def __init__(self, limit: int = LARGEST_MESSAGE) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._head: bytes | None = None  # set while within an overlong line

    def feed(self, data: bytes) -> list[bytes | OverlongLine]:
        """The lines that `data` completes, without their ends. Empty lines are left out."""
        first, *whole = data.split(b"\n")
        self._extend(first)
        if not whole:
            return []
        lines: list[bytes | OverlongLine] = [line] if (line := self._take()) else []
        self._extend(whole.pop())
        # These began and ended in `data`, which is no larger than a read.
        lines += [piece if len(piece) <= self._limit else _overlong(piece) for piece in whole if piece]
        return lines

    def _extend(self, piece: bytes) -> None:
        self._partial += piece
        if len(self._partial) > self._limit or self._head is not None:
            if self._head is None:
                self._head = bytes(self._partial[:_EDGE])
            del self._partial[:-_EDGE]

    def _take(self) -> bytes | OverlongLine:
        line = bytes(self._partial)
        head, self._head = self._head, None
        self._partial = bytearray()
        return line if head is None else OverlongLine(head, line)


def _overlong(line: bytes) -> OverlongLine:
    return OverlongLine(line[:_EDGE], line[-_EDGE:])


def find_answered_id(head: bytes, tail: bytes) -> int | None:
    """The id that a response which cannot be parsed seems to answer, from its first and last bytes."""
    found = _ID_AT_START.search(head) or _ID_AT_END.search(tail)
    return int(found[1]) if found else None


def encode_request(request_id: int, method: str, params: JsonObject) -> bytes:
    """A request as JSON, without line end. Raises RequestFault for values that JSON cannot hold."""
    return _encode({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def encode_notification(method: str, params: JsonObject | None = None) -> bytes:
    """A notification as JSON, without line end. Raises RequestFault for values that JSON cannot hold."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    return _encode(message if params is None else message | {"params": params})


def encode_cancellation(request_id: int) -> bytes:
    """The notification that takes a request back (MCP, "Cancellation")."""
    return encode_notification("notifications/cancelled", {"requestId": request_id, "reason": "no longer needed"})


def _encode(message: JsonObject) -> bytes:
    try:
        return orjson.dumps(message)
    except TypeError as error:  # orjson's own error is one
        raise RequestFault(f"the arguments cannot be written as JSON: {error}") from error


def with_progress_token(params: JsonObject, request_id: int) -> JsonObject:
    """The params of a request that wants `notifications/progress` under its own id."""
    return {**params, "_meta": {**params.get("_meta", {}), "progressToken": request_id}}


def report_progress(listener: ProgressListener | None, params: JsonObject) -> None:
    """Tell the listener of a request about its progress, if it has one and the params say something."""
    progress = read_progress(params)
    if listener is None or progress is None:
        return
    try:
        listener(progress)
    except Exception:  # noqa: BLE001 - one caller's listener must not end the connection of all
        _log.exception("a progress listener failed")


def is_taken(meanwhile: Meanwhile, method: str, params: JsonObject) -> bool:
    """Whether a notification that belongs to a request was for whoever made it."""
    if method == LOG_MESSAGE and meanwhile.on_log is not None:
        meanwhile.on_log(params)
        return True
    take = meanwhile.on_notification
    return take is not None and take(method, params)


def answer_server_request(message: JsonObject) -> bytes:
    """Our answer to a server's request: we live, and offer it nothing (no roots, sampling or elicitation)."""
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    method: Any = message.get("method")
    if method == "ping":
        return _encode(answer | {"result": {}})
    # Servers repeat these words in what they answer to the call: whoever reads them should know what was asked.
    refusal = f"this client does not offer {str(method)[:_LONGEST_METHOD]}"
    return _encode(answer | {"error": {"code": METHOD_NOT_FOUND, "message": refusal}})


def messages_in(value: Any) -> list[dict[str, Any]]:
    """The JSON-RPC messages in a parsed value: one, or several where a server of 2025-03-26 sends a batch."""
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [cast("dict[str, Any]", message) for message in values if isinstance(message, dict)]


def object_in(message: JsonObject, key: str) -> JsonObject:
    """The object under a key; an empty one where there is something else or nothing."""
    value: Any = message.get(key)
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def without(params: JsonObject, key: str) -> JsonObject:
    """The same params without one of them."""
    return {name: value for name, value in params.items() if name != key}


def is_response(message: JsonObject) -> bool:
    """Whether it answers a request."""
    return "method" not in message and ("result" in message or "error" in message)


def request_id_of(message: JsonObject) -> int | None:
    """The id of ours that it answers. Servers that turn numbers into strings are understood."""
    raw: Any = message.get("id")
    if isinstance(raw, str) and raw.isdecimal() and len(raw) < 16:
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def result_of(response: JsonObject) -> JsonObject:
    """The result in a response. Raises RpcError for an error in it, RequestFault for anything else."""
    error: Any = response.get("error")
    if error is not None:
        raise read_error(error)
    result: Any = response.get("result")
    if not isinstance(result, Mapping):
        raise RequestFault("the server's answer holds no result object")
    return cast("JsonObject", result)


def _readable(message: str) -> str:
    """As much of an error message as people and models are shown; it also stands in statuses and logs."""
    shown = make_visible(message[:_LONGEST_ERROR])[0]
    return shown if len(message) <= _LONGEST_ERROR else f"{shown}… ({len(message)} characters)"


def read_error(raw: Any) -> RpcError:
    """A JSON-RPC error object, as far as it can be read."""
    error = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    code: Any = error.get("code")
    message: Any = error.get("message")
    return RpcError(
        code if isinstance(code, int) else INTERNAL_ERROR,
        _readable(message) if isinstance(message, str) and message else "error without a message",
        error.get("data"),
    )
