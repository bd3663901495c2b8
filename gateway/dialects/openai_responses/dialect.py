"""The codec of OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_errors import read_error, write_error
from gateway.dialects.openai_responses.name import NAME
from gateway.dialects.openai_responses.proofs import OURS
from gateway.dialects.openai_responses.provider_tools import provider_tools
from gateway.dialects.openai_responses.request_reading import read_request
from gateway.dialects.openai_responses.request_writing import write_request
from gateway.dialects.openai_responses.responses import read_response, write_response
from gateway.dialects.openai_responses.served_calls import LISTED, SERVED
from gateway.dialects.openai_responses.stream_reading import ResponsesStreamReader
from gateway.dialects.openai_responses.stream_writing import ResponsesStreamWriter
from gateway.dialects.openai_responses.usage_scanner import ResponsesUsageScanner, usage_of
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="resp_",
    spent_status=429,
    turn_mark=b'"role"',
    tool_name="name",
    own_marks=(OURS.encode(), SERVED.encode(), LISTED.encode()),
    shows_calls=True,
    shows_listings=True,
    proof_mark=b"encrypted_content",
    keeps_proofs=True,
    stores_answers=True,
    end_marks=(b"response.completed", b"response.incomplete", b"response.failed"),
)


class OpenAIResponses:
    """See `gateway.dialects.Dialect`.

    An answer repeats its request, and names tools in the way that the request does: for clients, a codec is made
    for each request with `answering`.
    """

    def __init__(self, request: ModelRequest | None = None) -> None:
        self._request = request

    def answering(self, request: ModelRequest) -> OpenAIResponses:
        """A codec for the answer to `request`, as the client sent it."""
        return OpenAIResponses(request)

    @property
    def name(self) -> str:
        """`openai_responses`."""
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
        return write_response(response, self._request, toolgate=toolgate)

    def stream_reader(self) -> ResponsesStreamReader:
        """A reader for one stream."""
        return ResponsesStreamReader()

    def stream_writer(self, *, include_usage: bool) -> ResponsesStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return ResponsesStreamWriter(self._request)

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """The tools that the provider would run itself, and those of unknown types."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body."""
        return read_error(body)

    def usage_scanner(self) -> ResponsesUsageScanner:
        """A scanner for one stream."""
        return ResponsesUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


OPENAI_RESPONSES = OpenAIResponses()
"""The codec, for providers, and for what a client is told whatever it asked."""
