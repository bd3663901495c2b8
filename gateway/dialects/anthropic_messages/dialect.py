"""The codec of Anthropic Messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.conversation import ModelRequest
from gateway.dialects.anthropic_messages.amazon_frames import FramedEvents
from gateway.dialects.anthropic_messages.errors import read_error, write_error
from gateway.dialects.anthropic_messages.hosting import ON_BEDROCK, ON_VERTEX, Hosting, hosted
from gateway.dialects.anthropic_messages.name import NAME, SERVED, UNPROVEN
from gateway.dialects.anthropic_messages.provider_tools import provider_tools
from gateway.dialects.anthropic_messages.request_reading import read_request
from gateway.dialects.anthropic_messages.request_writing import write_request
from gateway.dialects.anthropic_messages.responses import read_response, write_response
from gateway.dialects.anthropic_messages.stream_reading import MessagesStreamReader
from gateway.dialects.anthropic_messages.stream_writing import MessagesStreamWriter
from gateway.dialects.anthropic_messages.usage_scanner import MessagesUsageScanner, usage_of
from gateway.dialects.event_stream import STREAM_TYPE
from gateway.dialects.faults import ToldFault
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="msg_",
    turn_mark=b'"assistant"',
    tool_name="name",
    own_marks=(UNPROVEN.encode(), SERVED.encode()),
    end_marks=(b"message_stop",),
    proof_mark=b'thinking"',
    shows_calls=True,
    request_id_header="request-id",
    request_headers=("anthropic-version", "anthropic-beta"),
    usage_of_run=False,
    keeps_proofs=True,
)


class AnthropicMessages:
    """See `gateway.dialects.Dialect`. `hosting` is where it is spoken, if not at Anthropic's."""

    name = NAME
    read_request = staticmethod(read_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = MessagesUsageScanner
    usage_of = staticmethod(usage_of)

    def __init__(self, hosting: Hosting | None = None) -> None:
        self._hosting = hosting
        self._traits = _TRAITS if hosting is None else _hosted_traits(hosting)

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return self._traits

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider. Raises `gateway.errors.InvalidRequest`."""
        body = write_request(request, model=model)
        return body if self._hosting is None else hosted(body, self._hosting, request.headers)

    def stream_reader(self) -> MessagesStreamReader:
        """A reader for one stream."""
        if self._hosting is not None and self._hosting.has_frames:
            return MessagesStreamReader(FramedEvents())
        return MessagesStreamReader()

    def stream_writer(self, *, include_usage: bool) -> MessagesStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return MessagesStreamWriter()

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error."""
        return write_error(fault, request_id)


def _hosted_traits(hosting: Hosting) -> Traits:
    return replace(
        _TRAITS,
        names_model=False,
        request_headers=() if hosting.betas_in_body else ("anthropic-beta",),
        stream_type=STREAM_TYPE if hosting.has_frames else _TRAITS.stream_type,
    )


ANTHROPIC_MESSAGES = AnthropicMessages()
"""The codec."""
ANTHROPIC_VERTEX = AnthropicMessages(ON_VERTEX)
"""The same for Vertex AI."""
ANTHROPIC_BEDROCK = AnthropicMessages(ON_BEDROCK)
"""The same for Amazon Bedrock, whose streams hold each event's data in a frame of Amazon's."""
