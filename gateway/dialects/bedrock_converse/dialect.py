"""The codec of Amazon Bedrock's Converse."""

from __future__ import annotations

from typing import Any

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

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    stream_reader = ConverseStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = ConverseUsageScanner
    usage_of = staticmethod(usage_of)

    def stream_writer(self, *, include_usage: bool) -> ConverseStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return ConverseStreamWriter()

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)


BEDROCK_CONVERSE = BedrockConverse()
"""The codec."""
