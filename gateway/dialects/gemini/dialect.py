"""The codec of Gemini."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.gemini.errors import read_error, write_error
from gateway.dialects.gemini.name import NAME, UNSIGNED
from gateway.dialects.gemini.provider_tools import provider_tools
from gateway.dialects.gemini.request_reading import read_request
from gateway.dialects.gemini.request_writing import write_request
from gateway.dialects.gemini.responses import read_response, write_response
from gateway.dialects.gemini.stream_reading import GeminiStreamReader
from gateway.dialects.gemini.stream_writing import GeminiStreamWriter
from gateway.dialects.gemini.usage_scanner import GeminiUsageScanner, usage_of
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="",
    turn_mark=b'"model"',
    proof_mark=b"hought",  # thoughtSignature, thought_signature, includeThoughts
    tool_name="name",
    own_marks=(UNSIGNED.encode(),),
    names_model=False,
    end_marks=(b"finishReason", b"finish_reason", b"blockReason", b"block_reason"),
    keeps_proofs=True,
)


class Gemini:
    """See `gateway.dialects.Dialect`."""

    @property
    def name(self) -> str:
        """`gemini`."""
        return NAME

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return _TRAITS

    def read_request(self, body: Mapping[str, Any]) -> ModelRequest:
        """A client's request. Raises `gateway.errors.InvalidRequest`."""
        return read_request(body)

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider."""
        return write_request(request, model=model)

    def read_response(self, body: bytes) -> ModelResponse:
        """A provider's whole answer. Raises WireFormatError, UpstreamStreamError."""
        return read_response(body)

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client."""
        return write_response(response, toolgate=toolgate)

    def stream_reader(self) -> GeminiStreamReader:
        """A reader for one stream."""
        return GeminiStreamReader()

    def stream_writer(self, *, include_usage: bool) -> GeminiStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return GeminiStreamWriter()

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """Each tool that the provider would run itself, or of which nobody can tell."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body."""
        return read_error(body)

    def usage_scanner(self) -> GeminiUsageScanner:
        """A scanner for one stream."""
        return GeminiUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


GEMINI = Gemini()
"""The codec."""
