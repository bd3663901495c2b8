"""JSON values of unknown shape, narrowed: something of the wanted type, or nothing."""

from __future__ import annotations

from typing import Any, cast

import orjson

from gateway.dialects.faults import WireFormatError


def object_or_none(value: Any) -> dict[str, Any] | None:
    """A JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def list_or_empty(value: Any) -> list[Any]:
    """A JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text_or_empty(value: Any) -> str:
    """A JSON string."""
    return value if isinstance(value, str) else ""


def number_or_none(value: Any) -> float | None:
    """A JSON number, as it came."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def can_be_written(value: Any) -> bool:
    """Whether a value that was read can be written again, a few levels deeper; one nested too deeply cannot."""
    try:
        orjson.dumps([[[[[[[[value]]]]]]]])
    except TypeError:
        return False
    return True


def load_object(data: bytes) -> dict[str, Any]:
    """The JSON object in these bytes. Raises WireFormatError."""
    try:
        value: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise WireFormatError(f"not valid JSON: {error.msg}") from error
    found = object_or_none(value)
    if found is None:
        raise WireFormatError("not a JSON object")
    return found
