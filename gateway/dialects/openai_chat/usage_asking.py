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

    def take_out(self, lines: bytes) -> bytes:
        """Whole lines of the answer without the chunk that tells the usage and nothing else."""
        if not tells_usage(lines):
            return lines
        kept: list[bytes] = []
        is_behind_it = False
        for line in lines.splitlines(keepends=True):
            is_blank = not line.strip(b"\r\n")
            if not (is_behind_it and is_blank):
                is_behind_it = _tells_usage_alone(line)
                if not is_behind_it:
                    kept.append(line)
        return b"".join(kept)


def _tells_usage_alone(line: bytes) -> bool:
    if not line.startswith(b"data:") or not tells_usage(line):
        return False
    chunk = object_in(line.removeprefix(b"data:"))
    return chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)


USAGE_ASKING = UsageAsking()
