"""Faults in Ollama's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.dialects.faults import ToldFault, UpstreamStreamError, WireFormatError
from gateway.dialects.json_values import load_object, text_or_empty


def write_error(fault: ToldFault) -> dict[str, Any]:
    """Ollama's error: a text and no more, at the end of a stream too."""
    return {"error": fault.message}


def read_error(body: bytes) -> str | None:
    """The message in an error's body."""
    try:
        return text_or_empty(load_object(body).get("error")) or None
    except WireFormatError:
        return None


def raise_error_in(raw: Mapping[str, Any], data: bytes) -> None:
    """Raise UpstreamStreamError for an error that stands where an answer should."""
    if raw.get("error"):
        raise UpstreamStreamError(data)
