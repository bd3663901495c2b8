"""JSON-RPC 2.0 between MCP's clients and us, by value. No I/O.

Above: everything else in this package. Refuses to know: what methods there are, HTTP beyond a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

RequestId = str | int

LONGEST_ID = 1024
"""Characters of what a client calls a request, or its progress: both are kept, and repeated again and again."""

_DEEPEST = 128
"""Levels that are let through without a look."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REQUEST_CANCELLED = -32800
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022

_OURS = -31000
"""Codes of ours: this, less the HTTP status that says the same. JSON-RPC reserves none of them."""
_STATUS: Mapping[int, int] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    METHOD_NOT_FOUND: 404,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
}
"""What 2026-07-28 asks for; other errors are answers like results, with 200."""


class Refusal(Exception):
    """A request gets no result but a JSON-RPC error; `status` is what HTTP says of it.

    `request_id` is set where the request was too broken to be handed on, but not its id. `headers` go with it.
    """

    def __init__(
        self,
        code: int,
        message: str,
        data: Any = None,
        *,
        status: int | None = None,
        request_id: RequestId | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = _STATUS.get(code, 200) if status is None else status
        self.request_id = request_id
        self.headers = headers or {}


def http_refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """What HTTP has a status for, and JSON-RPC no code."""
    return Refusal(_OURS - status, message, status=status, headers=headers)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client's. Without `id` it is a notification, without `method` an answer of its own.

    Such an `answer` holds a result or an error.
    """

    method: str
    params: Mapping[str, Any] = field(repr=False)
    id: RequestId | None = None
    answer: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `_meta` of its params; empty where there is none."""
        meta: Any = self.params.get("_meta")
        return cast("Mapping[str, Any]", meta) if isinstance(meta, dict) else {}


def read_body(body: bytes) -> Any:
    """The JSON value in a body. Raises Refusal."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal(PARSE_ERROR, "Parse error: the body is not valid JSON") from None
    if body.count(b"{") + body.count(b"[") > _DEEPEST and not can_be_written(value):
        raise Refusal(PARSE_ERROR, "Parse error: the body is nested too deeply")
    return value


def can_be_written(value: Any) -> bool:
    """Whether a value can stand within a message: orjson reads what is nested deeper than what it writes."""
    try:
        orjson.dumps([[[[value]]]])
    except TypeError:
        return False
    return True


def read_message(value: Any) -> Message:
    """One message. Raises Refusal, which carries the id as far as there is one to be read."""
    if not isinstance(value, dict):
        raise Refusal(INVALID_REQUEST, "Invalid request: the body must be one JSON-RPC message")
    fields = cast("dict[str, Any]", value)
    request_id: Any = fields.get("id")
    if "id" in fields and (not isinstance(request_id, str | int) or isinstance(request_id, bool)):
        raise Refusal(INVALID_REQUEST, "Invalid request: id must be a string or a whole number")
    if isinstance(request_id, str) and len(request_id) > LONGEST_ID:
        raise Refusal(INVALID_REQUEST, f"Invalid request: id must not have more than {LONGEST_ID} characters")
    if fields.get("jsonrpc") != "2.0":
        raise Refusal(INVALID_REQUEST, 'Invalid request: jsonrpc must be "2.0"', request_id=request_id)
    method: Any = fields.get("method")
    if method is None and ("result" in fields or "error" in fields):
        return Message("", {}, request_id, fields)
    if not isinstance(method, str) or not method:
        raise Refusal(INVALID_REQUEST, "Invalid request: method must be a string", request_id=request_id)
    params: Any = fields.get("params", {})
    if not isinstance(params, dict):
        raise Refusal(INVALID_PARAMS, "Invalid params: params must be an object", request_id=request_id)
    return Message(method, cast("dict[str, Any]", params), request_id)


def encode_result(request_id: RequestId | None, result: Mapping[str, Any]) -> bytes:
    """The answer to a request. Raises Refusal for what a server has nested too deeply."""
    try:
        return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "result": result})
    except TypeError:
        raise http_refusal(502, "The server's answer is nested too deeply to be passed on") from None


def encode_refusal(request_id: RequestId | None, refusal: Refusal) -> bytes:
    """The answer to a request that gets no result."""
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.data is not None and can_be_written(refusal.data):
        error["data"] = refusal.data
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})


def encode_request(request_id: RequestId, method: str, params: Mapping[str, Any]) -> bytes:
    """A message that the client is to answer. Raises Refusal for what a server has nested too deeply."""
    try:
        return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
    except TypeError:
        raise http_refusal(502, "The server's question is nested too deeply to be passed on") from None


def encode_notification(method: str, params: Mapping[str, Any]) -> bytes:
    """A message that nobody answers."""
    return orjson.dumps({"jsonrpc": "2.0", "method": method, "params": params})


def text_param(params: Mapping[str, Any], name: str) -> str:
    """A param that must be text. Raises Refusal."""
    value: Any = params.get(name)
    if not isinstance(value, str):
        raise Refusal(INVALID_PARAMS, f"Invalid params: {name} must be a string")
    return value


def object_param(params: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A param that is an object, or absent. Raises Refusal."""
    value: Any = params.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refusal(INVALID_PARAMS, f"Invalid params: {name} must be an object")
    return cast("Mapping[str, Any]", value)
