"""What can be wrong with what a provider sent. Providers' callers map both to `gateway.errors.UpstreamError`."""

from __future__ import annotations


class WireFormatError(ValueError):
    """What came is not the dialect, or ended before the answer did. The text quotes none of it."""


class UpstreamStreamError(Exception):
    """The provider told of an error in an answer that had begun as a success.

    `body` is its JSON object as it came, to be passed on.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__("the provider sent an error within its answer")
        self.body = body
