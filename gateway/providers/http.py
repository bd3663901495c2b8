"""HTTP as the gateway uses it towards providers: one request, one answer, bytes as they come.

Above: `gateway.providers.caller`. Below: an implementation, `connections` (our own HTTP/1.1 client) or
`aiohttp_client` (where a proxy is to be used). Refuses to know: providers, dialects, models.

Nothing is decoded, no redirect is followed, no cookie is kept. Exceptions name a cause and never a URL, a header
or a body.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

LARGEST_BODY = 64 * 1024 * 1024
"""The longest whole answer, in bytes."""
LARGEST_ERROR_BODY = 1024 * 1024
"""The longest body of an HTTP error, in bytes."""
LARGEST_HEAD = 64 * 1024
"""The longest head of an answer, in bytes."""

Phase = Literal["connect", "first_byte", "idle"]


class HttpFault(Exception):
    """An exchange did not come to its end. The text may be shown to clients."""


class NotConnected(HttpFault):
    """No connection could be made: nothing of the request was sent."""


class ConnectionLost(HttpFault):
    """The connection ended before the answer did. `answered` says whether any of the answer had come."""

    def __init__(self, message: str, *, answered: bool) -> None:
        super().__init__(message)
        self.answered = answered


class DeadlinePassed(HttpFault):
    """Nothing came in time. `phase` says while waiting for what."""

    def __init__(self, phase: Phase, seconds: float) -> None:
        what = {
            "connect": "no connection could be made",
            "first_byte": "no answer began",
            "idle": "the answer stopped coming",
        }
        super().__init__(f"{what[phase]} within {seconds:g} s")
        self.phase: Phase = phase


class MalformedAnswer(HttpFault):
    """What came is not HTTP/1.1, or is over one of the bounds."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Patience in seconds: for a connection with its TLS handshake; for the head of the answer once the request
    is on its way; and for each further piece of it. A whole answer has no deadline of its own.
    """

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


@dataclass(frozen=True, slots=True)
class Network:
    """How a server is reached.

    `ca_certificates` are trusted besides the system's own, as PEM. `proxy` is the http URL of a forward proxy,
    which may hold a password.
    """

    ca_certificates: str | None = None
    proxy: str | None = field(default=None, repr=False)


DIRECT = Network()
"""With the system's trust store, and no proxy."""


class HttpAnswer(Protocol):
    """The head of an answer, and its body still to be read, once: with `read` or with `chunks`."""

    @property
    def status(self) -> int:
        """The status code, 200 to 599."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name; values of a repeated name are joined with a comma."""
        ...

    async def read(self, limit: int = LARGEST_BODY) -> bytes:
        """The whole body. Raises HttpFault, MalformedAnswer when it is longer than `limit` bytes."""
        ...

    def chunks(self) -> AsyncGenerator[bytes]:
        """The body in pieces as they arrive, none of them empty. Raises HttpFault."""
        ...


class HttpClient(Protocol):
    """Keeps connections between requests. Any number of requests may be under way."""

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> AbstractAsyncContextManager[HttpAnswer]:
        """Send a request and wait for the answer's head. Leaving the context before the body's end closes the
        connection, which tells the server to stop. Raises HttpFault; ValueError for what HTTP cannot say.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections; those in use as well."""
        ...
