"""The codec of Cohere's chat API."""

from __future__ import annotations

from typing import Any

from gateway.dialects.cohere_v2.errors import read_error, write_error
from gateway.dialects.cohere_v2.name import NAME
from gateway.dialects.cohere_v2.request_reading import read_request
from gateway.dialects.cohere_v2.request_writing import write_request
from gateway.dialects.cohere_v2.responses import read_response, write_response
from gateway.dialects.cohere_v2.stream_reading import CohereStreamReader
from gateway.dialects.cohere_v2.stream_writing import CohereStreamWriter
from gateway.dialects.cohere_v2.tools import provider_tools
from gateway.dialects.cohere_v2.usage_scanner import CohereUsageScanner, usage_of
from gateway.dialects.faults import ToldFault
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="chat-",
    turn_mark=b'"assistant"',
    tool_name="function.name",
    end_marks=(b"message-end",),
)


class CohereV2:
    """See `gateway.dialects.Dialect`."""

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    stream_reader = CohereStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = CohereUsageScanner
    usage_of = staticmethod(usage_of)

    def stream_writer(self, *, include_usage: bool) -> CohereStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return CohereStreamWriter()

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error."""
        return write_error(fault, request_id)


COHERE_V2 = CohereV2()
"""The codec."""
