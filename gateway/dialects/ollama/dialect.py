"""The codec of Ollama's chat API."""

from __future__ import annotations

from typing import Any

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

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    stream_reader = OllamaStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = OllamaUsageScanner
    usage_of = staticmethod(usage_of)

    def stream_writer(self, *, include_usage: bool) -> OllamaStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return OllamaStreamWriter()

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)


OLLAMA = Ollama()
"""The codec."""
