"""What every wire format can do.

A codec keeps what it does not know: a value read from its own format and written in it again loses nothing.
What was read from another format is written as far as the vocabulary names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, cast

from gateway.conversation import ModelRequest, ModelResponse, StreamEvent, Usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits


class StreamReader(Protocol):
    """Reads one upstream stream.

    `Finished` may be held back until the stream's own end mark or `end`, because what follows can change it.
    """

    @property
    def has_finish(self) -> bool:
        """Whether the provider has said that the model stopped: all that can still be waited for is the usage."""
        ...

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes. Raises WireFormatError, UpstreamStreamError."""
        ...

    def end(self) -> list[StreamEvent]:
        """The events that were still held back, once the connection has ended.

        Raises WireFormatError when the stream broke off before its answer was whole.
        """
        ...


class StreamWriter(Protocol):
    """Writes one stream for a client: each method returns bytes to send, of which there may be none."""

    def write(self, event: StreamEvent, *, toolgate: Mapping[str, Any] | None = None) -> bytes:
        """One event; `toolgate` goes along where the event makes a frame at all."""
        ...

    def progress(self, fields: Mapping[str, Any]) -> bytes:
        """What a run does meanwhile, as a frame that official SDKs take for an empty one."""
        ...

    def error(self, fault: ToldFault) -> bytes:
        """A fault, after which nothing more is written."""
        ...

    def heartbeat(self) -> bytes:
        """What keeps a silent stream alive, at any time, and says nothing."""
        ...

    def done(self) -> bytes:
        """What ends a stream that told a whole answer."""
        ...


class UsageScanner(Protocol):
    """Reads the usage out of a stream whose bytes pass through; never fails, whatever passes."""

    @property
    def usage(self) -> Usage | None:
        """The last usage seen."""
        ...

    @property
    def model(self) -> str | None:
        """The model's name as the provider gives it."""
        ...

    def feed(self, chunk: bytes) -> None:
        """Look at the next piece of the body."""
        ...


class Dialect(Protocol):
    """One wire format."""

    @property
    def name(self) -> str:
        """Its name, as in `Source.dialect` and in the config."""
        ...

    @property
    def traits(self) -> Traits:
        """Its habits."""
        ...

    def read_request(self, body: Mapping[str, Any]) -> ModelRequest:
        """A client's request. Raises `gateway.errors.InvalidRequest`, which names the field."""
        ...

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider, whose own name for the model is `model`. Shares values with `request`.

        Raises `gateway.errors.InvalidRequest`, which names the field, for what was read from another format and
        cannot be said in this one.
        """
        ...

    def read_response(self, body: bytes) -> ModelResponse:
        """A provider's whole answer. Raises WireFormatError, UpstreamStreamError."""
        ...

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client, with the `toolgate` object where it is given one."""
        ...

    def stream_reader(self) -> StreamReader:
        """A reader for one stream."""
        ...

    def stream_writer(self, *, include_usage: bool) -> StreamWriter:
        """A writer for one stream; `include_usage` says whether the client asked to be told the usage."""
        ...

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """The tools in a client's request that its provider would run itself, and those of unknown types."""
        ...

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error."""
        ...

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body, for logs; None where none is found."""
        ...

    def usage_scanner(self) -> UsageScanner:
        """A scanner for one stream."""
        ...

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer whose bytes pass through; None where none can be read."""
        ...


class Repeating(Protocol):
    """A wire format whose answers repeat what was asked, or name tools in the way that it was asked in."""

    def answering(self, request: ModelRequest) -> Dialect:
        """A codec for the answer to `request`, as the client sent it."""
        ...


def answering(dialect: Dialect, request: Callable[[], ModelRequest]) -> Dialect:
    """The codec for the answer to a client's `request`, which few dialects ask for."""
    # To ask whether it is an instance of the protocol would take as long as to read the request.
    return cast("Repeating", dialect).answering(request()) if hasattr(dialect, "answering") else dialect
