"""The frames of a stream for a client: each is numbered, and says what it is in two places."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.sse import encode_event


class Frames:
    """Makes the frames of one stream; `count` is the number of the next one."""

    __slots__ = ("count",)

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def make(self, kind: str, **fields: Any) -> bytes:
        """One event."""
        return encode_event(orjson.dumps({"type": kind, "sequence_number": self.take(), **fields}), kind)

    def take(self) -> int:
        """A number, for a frame that is made elsewhere."""
        self.count += 1
        return self.count - 1
