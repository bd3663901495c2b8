"""Asks for the usage of a stream whose client did not, and takes it out again on its way to that client.

Above: bytes that pass through, whose tokens are to be counted. The provider tells them in a chunk of their own,
which has no choices; every other byte of the stream stays as it came.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.dialects.json_values import object_or_none
from gateway.dialects.openai_chat.quirks import Quirk
from gateway.dialects.splice import set_member
from gateway.dialects.usage_scanning import object_in, tells_usage

_OPTIONS = "stream_options"
_WANTED = "include_usage"
_REFUSED = (400, 422)


class UsageAsking:
    """See `gateway.dialects.traits.UsageAsking`."""

    def is_due(self, fields: Mapping[str, Any], quirks: Collection[str]) -> bool:
        """Whether a request leaves the usage out, and its provider takes the wish for it. What is malformed is the
        provider's to refuse.
        """
        if fields.get("stream") is not True or Quirk.NO_STREAM_OPTIONS in quirks:
            return False
        options = fields.get(_OPTIONS)
        known = object_or_none(options)
        if known is None:
            return options is None
        wanted = known.get(_WANTED)
        return wanted is None or wanted is False

    def ask(self, body: bytes, fields: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
        """The same request with the wish for it, as bytes and as what they say. Raises InvalidRequest for one that
        must be written anew and is nested too deeply for that.
        """
        options = {**(object_or_none(fields.get(_OPTIONS)) or {}), _WANTED: True}
        return set_member(body, fields, _OPTIONS, options), {**fields, _OPTIONS: options}

    def is_refused(self, status: int, body: bytes) -> bool:
        """Whether a refusal is of the wish itself, as hosts give one that take no field they do not know."""
        return status in _REFUSED and _OPTIONS.encode() in body

    def taker(self) -> UsageTaker:
        """For one answer."""
        return UsageTaker()


class UsageTaker:
    """See `gateway.dialects.traits.UsageTaker`."""

    __slots__ = ("_is_behind_it",)

    def __init__(self) -> None:
        self._is_behind_it = False

    def take_out(self, lines: bytes, *, is_told: bool) -> bytes:
        """Whole lines of the answer without the chunk that tells the usage and nothing else, if it is there."""
        if not is_told and not self._is_behind_it:
            return lines
        kept: list[bytes] = []
        begins_event = True
        for line in lines.splitlines(keepends=True):
            is_blank = not line.strip(b"\r\n")
            if is_blank and self._is_behind_it:
                self._is_behind_it, begins_event = False, True
            elif _tells_usage_alone(line):
                self._is_behind_it = (
                    begins_event  # else the blank line keeps what stands before from the next event
                )
            else:
                self._is_behind_it, begins_event = False, is_blank
                kept.append(line)
        return b"".join(kept)


def _tells_usage_alone(line: bytes) -> bool:
    """Not so a chunk with an error. Some hosts have no choices in it where others have an empty list."""
    if not line.startswith(b"data:") or not tells_usage(line):
        return False
    chunk = object_in(line.removeprefix(b"data:"))
    is_chunk = "choices" in chunk or chunk.get("object") == "chat.completion.chunk"
    is_empty = not chunk.get("choices") and not chunk.get("error")
    return is_chunk and is_empty and isinstance(chunk.get("usage"), dict)


USAGE_ASKING = UsageAsking()
