"""Faults in the form that both of OpenAI's formats have."""

from __future__ import annotations

from typing import Any

from gateway.dialects.faults import ToldFault, WireFormatError
from gateway.dialects.json_values import load_object, object_or_none, text_or_empty


def write_error(fault: ToldFault) -> dict[str, Any]:
    """OpenAI's error object."""
    told = {"message": fault.message, "type": fault.kind, "param": fault.param, "code": fault.code}
    return {"error": told}


def read_error(body: bytes) -> str | None:
    """The message in an error's body, in any of the forms that imitators give it."""
    try:
        raw = load_object(body)
    except WireFormatError:
        return None
    error = object_or_none(raw.get("error")) or {}
    return text_or_empty(error.get("message") or raw.get("error") or raw.get("message")) or None
