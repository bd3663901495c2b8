"""Faults in Amazon's form: a message in the body, and what kind it is in a header; or a frame of a stream.

The names are those of the service model, by which Amazon's SDKs find the exception to raise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from gateway.dialects.event_stream import Frame, encode_frame
from gateway.dialects.faults import ToldFault, UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import load_object, text_or_empty

ERROR_TYPE = "x-amzn-errortype"
"""The header that names the kind."""

_KINDS: Mapping[int, str] = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    502: "ModelErrorException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
    529: "ServiceUnavailableException",
}
_STREAM_KINDS: Mapping[str, str] = {
    "ThrottlingException": "throttlingException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "InternalServerException": "internalServerException",
    "ModelErrorException": "modelStreamErrorException",
    "ModelTimeoutException": "modelStreamErrorException",
}
"""What a stream can tell; anything else there is a request that is at fault."""
_STATUSES: Mapping[str, int] = {
    "accessdeniedexception": 403,
    "unrecognizedclientexception": 403,
    "expiredtokenexception": 403,
    "resourcenotfoundexception": 404,
    "modeltimeoutexception": 408,
    "modelerrorexception": 424,
    "modelstreamerrorexception": 424,
    "throttlingexception": 429,
    "modelnotreadyexception": 429,
    "servicequotaexceededexception": 400,
    "validationexception": 400,
    "internalserverexception": 500,
    "serviceunavailableexception": 503,
}


def error_type(fault: ToldFault) -> str:
    """The kind that follows from the status."""
    return _KINDS.get(fault.status) or ("ValidationException" if fault.status < 500 else "InternalServerException")


def write_error(fault: ToldFault) -> dict[str, Any]:
    """The body of an HTTP error; the kind stands in it too, where some clients look for it."""
    return {"message": fault.message, "__type": error_type(fault)}


def error_frame(fault: ToldFault) -> bytes:
    """A fault within a stream."""
    headers = {
        ":message-type": "exception",
        ":exception-type": _STREAM_KINDS.get(error_type(fault), "validationException"),
        ":content-type": "application/json",
    }
    return encode_frame(headers, orjson.dumps({"message": fault.message}))


def read_error(body: bytes) -> str | None:
    """The message in an error's body."""
    try:
        raw = load_object(body)
    except WireFormatError:
        return None
    return text_or_empty(raw.get("message")) or text_or_empty(raw.get("Message")) or None


def raise_error_in(raw: Mapping[str, Any], data: bytes) -> None:
    """Raise UpstreamStreamError for an error that stands where an answer should."""
    kind = text_or_empty(raw.get("__type")).rpartition("#")[2]
    if kind or ("output" not in raw and text_or_empty(raw.get("message"))):
        raise UpstreamStreamError(data, _STATUSES.get(kind.lower()))


def raise_error_frame(frame: Frame) -> NoReturn:
    """Raise the error that a frame tells. Raises UpstreamStreamError."""
    kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code", "")
    status = _STATUSES.get(kind.lower(), 500)
    if frame.headers.get(":message-type") == "error":
        told = {"message": frame.headers.get(":error-message", kind)}
        raise UpstreamStreamError(orjson.dumps(told), status)
    raise UpstreamStreamError(frame.payload, status)


def is_error_frame(frame: Frame) -> bool:
    """Whether a frame tells an error."""
    return frame.headers.get(":message-type") in ("exception", "error")
