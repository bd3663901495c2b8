"""The codec of Gemini."""

from __future__ import annotations

from typing import Any

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

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    stream_reader = GeminiStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = GeminiUsageScanner
    usage_of = staticmethod(usage_of)

    def stream_writer(self, *, include_usage: bool) -> GeminiStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return GeminiStreamWriter()

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)


GEMINI = Gemini()
"""The codec."""
