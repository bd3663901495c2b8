"""Wire formats, sans-I/O: bytes and JSON values to and from the conversation vocabulary, both directions.

Above: the API reads clients' requests and writes answers, providers write requests and read answers, with the same
codec. Below: the vocabulary and server-sent events. Refuses to know: HTTP, hosts, keys, tools' meaning, policies.

One folder for each wire format; N inbound and M upstream formats need N + M of them.
"""

from gateway.dialects.dialect import Dialect, StreamReader, StreamWriter, UsageScanner, answering
from gateway.dialects.faults import ToldFault, UpstreamStreamError, WireFormatError
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

__all__ = [
    "Dialect",
    "ProviderTool",
    "StreamReader",
    "StreamWriter",
    "ToldFault",
    "Traits",
    "UpstreamStreamError",
    "UsageScanner",
    "WireFormatError",
    "answering",
]
