"""Ids for tool calls that have none.

Older servers, and the Python client, name calls by nothing but their place. Ids are made from what is there, so
that the same bytes have the same ids whenever they are read; results find their calls by the tool's name, and by
order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.conversation import ToolCall


def made_id(*told: str) -> str:
    """An id for a call, from what tells it apart from all others."""
    digest = hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass"))
    return f"call_{digest.hexdigest()[:24]}"


class OpenCalls:
    """The calls of one turn that have no result yet, in order."""

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []

    def begin(self, calls: Sequence[ToolCall]) -> None:
        """A turn with these calls begins; results to those before cannot come any more."""
        self._calls = list(calls)

    def answer(self, call_id: str, tool_name: str) -> str:
        """The id of the call that a result answers: by id, else the first open one of that tool, else the first.

        Empty where nothing is open.
        """
        named = [call for call in self._calls if call.name == tool_name] if tool_name else self._calls
        found = next((call for call in self._calls if call_id and call.id == call_id), None)
        found = found or next(iter(named or self._calls), None)
        if found is None:
            return call_id
        self._calls.remove(found)
        return found.id
