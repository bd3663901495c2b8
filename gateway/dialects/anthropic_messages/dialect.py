"""The codec of Anthropic Messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
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
from gateway.dialects.tool_types import ProviderTool
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

    def __init__(self, hosting: Hosting | None = None) -> None:
        self._hosting = hosting
        self._traits = _TRAITS if hosting is None else _hosted_traits(hosting)

    @property
    def name(self) -> str:
        """`anthropic_messages`."""
        return NAME

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return self._traits

    def read_request(self, body: Mapping[str, Any]) -> ModelRequest:
        """A client's request. Raises `gateway.errors.InvalidRequest`."""
        return read_request(body)

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider. Raises `gateway.errors.InvalidRequest`."""
        body = write_request(request, model=model)
        return body if self._hosting is None else hosted(body, self._hosting, request.headers)

    def read_response(self, body: bytes) -> ModelResponse:
        """A provider's whole answer. Raises WireFormatError, UpstreamStreamError."""
        return read_response(body)

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client."""
        return write_response(response, toolgate=toolgate)

    def stream_reader(self) -> MessagesStreamReader:
        """A reader for one stream."""
        if self._hosting is not None and self._hosting.has_frames:
            return MessagesStreamReader(FramedEvents())
        return MessagesStreamReader()

    def stream_writer(self, *, include_usage: bool) -> MessagesStreamWriter:
        """A writer for one stream, which tells the usage in any case."""
        return MessagesStreamWriter()

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """Each tool that the provider would run itself, or of which nobody can tell."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error."""
        return write_error(fault, request_id)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body."""
        return read_error(body)

    def usage_scanner(self) -> MessagesUsageScanner:
        """A scanner for one stream."""
        return MessagesUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


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
