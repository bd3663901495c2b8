"""What can be wrong with what a provider sent, and a fault as clients are told of it.

Providers' callers map the two exceptions to `gateway.errors.UpstreamError`.
"""

from __future__ import annotations

from typing import Protocol


class WireFormatError(ValueError):
    """What came is not the dialect, or ended before the answer did. The text quotes none of it."""


class UpstreamStreamError(Exception):
    """The provider told of an error in an answer that had begun as a success.

    `body` is its JSON object as it came, to be passed on; `status` the HTTP status that it stands for, where the
    dialect says.
    """

    def __init__(self, body: bytes, status: int | None = None) -> None:
        super().__init__("the provider sent an error within its answer")
        self.body = body
        self.status = status


class ToldFault(Protocol):
    """A fault, in words that every dialect can tell a client: see `gateway.api.errors`."""

    @property
    def status(self) -> int:
        """The HTTP status that stands for it, also within a stream."""
        ...

    @property
    def message(self) -> str:
        """What is wrong, and what to do."""
        ...

    @property
    def kind(self) -> str:
        """The broad class, which OpenAI calls `type`."""
        ...

    @property
    def code(self) -> str:
        """A stable identifier for programs."""
        ...

    @property
    def param(self) -> str | None:
        """The field at fault."""
        ...

    @property
    def retry_after(self) -> int | None:
        """Seconds after which to try again."""
        ...
