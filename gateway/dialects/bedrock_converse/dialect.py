"""The codec of Amazon Bedrock's Converse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
from gateway.dialects.bedrock_converse.errors import ERROR_TYPE, read_error, write_error
from gateway.dialects.bedrock_converse.name import NAME, UNPROVEN
from gateway.dialects.bedrock_converse.request_reading import read_request
from gateway.dialects.bedrock_converse.request_writing import write_request
from gateway.dialects.bedrock_converse.responses import ID_PREFIX, read_response, write_response
from gateway.dialects.bedrock_converse.stream_reading import ConverseStreamReader
from gateway.dialects.bedrock_converse.stream_writing import ConverseStreamWriter
from gateway.dialects.bedrock_converse.tools import provider_tools
from gateway.dialects.bedrock_converse.usage_scanner import ConverseUsageScanner, usage_of
from gateway.dialects.event_stream import STREAM_TYPE, FrameCutter
from gateway.dialects.faults import ToldFault
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix=ID_PREFIX,
    turn_mark=b'"assistant"',
    tool_name="toolSpec.name",
    own_marks=(UNPROVEN.encode(),),
    proof_mark=b"eason",  # reasoningContent, reasoning_config, maxReasoningEffort
    stream_type=STREAM_TYPE,
    frame_break=b"",
    end_marks=(b"messageStop", b":exception-type", b":error-code"),
    frames=FrameCutter,
    error_type_header=ERROR_TYPE,
    names_model=False,
    request_id_header="x-amzn-requestid",
    keeps_proofs=True,
)


class BedrockConverse:
    """See `gateway.dialects.Dialect`."""

    @property
    def name(self) -> str:
        """`bedrock_converse`."""
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

    def stream_reader(self) -> ConverseStreamReader:
        """A reader for one stream."""
        return ConverseStreamReader()

    def stream_writer(self, *, include_usage: bool) -> ConverseStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return ConverseStreamWriter()

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """Each tool that the client does not run."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body."""
        return read_error(body)

    def usage_scanner(self) -> ConverseUsageScanner:
        """A scanner for one stream."""
        return ConverseUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


BEDROCK_CONVERSE = BedrockConverse()
"""The codec."""
