"""The codec of OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, UnknownPart
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_errors import read_error, write_error
from gateway.dialects.openai_responses.broken_streams import end_broken_stream
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
    round_break=UnknownPart(NAME, {"message": {}}),
    end_marks=(b"response.completed", b"response.incomplete", b"response.failed"),
    end_broken_stream=end_broken_stream,
)


class OpenAIResponses:
    """See `gateway.dialects.Dialect`.

    An answer repeats its request, and names tools in the way that the request does: for clients, a codec is made
    for each request with `answering`.
    """

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    stream_reader = ResponsesStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = ResponsesUsageScanner
    usage_of = staticmethod(usage_of)

    def __init__(self, request: ModelRequest | None = None) -> None:
        self._request = request

    def answering(self, request: ModelRequest) -> OpenAIResponses:
        """A codec for the answer to `request`, as the client sent it."""
        return OpenAIResponses(request)

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client."""
        return write_response(response, self._request, toolgate=toolgate)

    def stream_writer(self, *, include_usage: bool) -> ResponsesStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return ResponsesStreamWriter(self._request)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)


OPENAI_RESPONSES = OpenAIResponses()
"""The codec, for providers, and for what a client is told whatever it asked."""
