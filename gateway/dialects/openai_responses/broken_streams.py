"""The end of a stream whose bytes came from a provider and broke off: an answer that has begun has failed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.dialects.faults import ToldFault, WireFormatError
from gateway.dialects.json_values import load_object, object_or_none
from gateway.dialects.openai_errors import write_error
from gateway.dialects.openai_responses.errors import failure
from gateway.dialects.openai_responses.frames import Frames

_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')


def end_broken_stream(fault: ToldFault, first: bytes, last: bytes) -> bytes:
    """The events that end it, `first` and `last` being some of its lines from both ends.

    Where it had not come so far that the answer is known, the error is all that can be told.
    """
    numbers = _NUMBER.findall(last) or _NUMBER.findall(first)
    return fault_events(Frames(int(numbers[-1]) + 1 if numbers else 0), fault, _response_in(first))


def fault_events(frames: Frames, fault: ToldFault, response: Mapping[str, Any] | None) -> bytes:
    """The error event; and the end of the `response`, if it has begun, which has failed."""
    told = write_error(fault)["error"]
    error = frames.make("error", error=told, code=fault.code, message=fault.message, param=fault.param)
    if response is None:
        return error
    return error + frames.make(
        "response.failed", response={**response, "status": "failed", "error": failure(fault)}
    )


def _response_in(lines: bytes) -> Mapping[str, Any] | None:
    """The answer as its first event has it."""
    for line in lines.splitlines():
        if line.startswith(b"data:"):
            try:
                return object_or_none(load_object(line.removeprefix(b"data:")).get("response"))
            except WireFormatError:
                return None
    return None
