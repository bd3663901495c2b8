"""The codec of Ollama's chat API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.ollama.errors import read_error, write_error
from gateway.dialects.ollama.name import NAME
from gateway.dialects.ollama.request_reading import read_request
from gateway.dialects.ollama.request_writing import write_request
from gateway.dialects.ollama.responses import read_response, write_response
from gateway.dialects.ollama.stream_reading import OllamaStreamReader
from gateway.dialects.ollama.stream_writing import OllamaStreamWriter
from gateway.dialects.ollama.tools import provider_tools
from gateway.dialects.ollama.usage_scanner import OllamaUsageScanner, usage_of
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="ollama-",
    turn_mark=b'"assistant"',
    tool_name="function.name",
    stream_type="application/x-ndjson",
    frame_break=b"\n",
    end_marks=(b'"done":true', b'"done": true'),
    keeps_call_ids=False,
)


class Ollama:
    """See `gateway.dialects.Dialect`."""

    @property
    def name(self) -> str:
        """`ollama`."""
        return NAME

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return _TRAITS

    def read_request(self, body: Mapping[str, Any]) -> ModelRequest:
        """A client's request. Raises `gateway.errors.InvalidRequest`."""
        return read_request(body)

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider. Raises `gateway.errors.InvalidRequest`."""
        return write_request(request, model=model)

    def read_response(self, body: bytes) -> ModelResponse:
        """A provider's whole answer. Raises WireFormatError, UpstreamStreamError."""
        return read_response(body)

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client."""
        return write_response(response, toolgate=toolgate)

    def stream_reader(self) -> OllamaStreamReader:
        """A reader for one stream."""
        return OllamaStreamReader()

    def stream_writer(self, *, include_usage: bool) -> OllamaStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return OllamaStreamWriter()

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """Each tool that the client does not run."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body."""
        return read_error(body)

    def usage_scanner(self) -> OllamaUsageScanner:
        """A scanner for one stream."""
        return OllamaUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


OLLAMA = Ollama()
"""The codec."""
