"""The codec of OpenAI Chat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.conversation import ModelRequest, ModelResponse, Usage
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.provider_tools import provider_tools
from gateway.dialects.openai_chat.request_reading import read_request
from gateway.dialects.openai_chat.request_writing import write_request
from gateway.dialects.openai_chat.responses import read_response, write_response
from gateway.dialects.openai_chat.stream_reading import ChatStreamReader
from gateway.dialects.openai_chat.stream_writing import ChatStreamWriter
from gateway.dialects.openai_chat.usage_scanner import ChatUsageScanner, usage_of
from gateway.dialects.openai_errors import read_error, write_error
from gateway.dialects.tool_types import ProviderTool
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="chatcmpl-",
    spent_status=429,
    turn_mark=b'"assistant"',
    proof_mark=b"signature",
    tool_name="function.name",
    end_marks=(b"[DONE]", b'"finish_reason":"', b'"finish_reason": "'),
)


class OpenAIChat:
    """See `gateway.dialects.Dialect`. `shows_images` says whether models are shown images from tool results."""

    def __init__(self, *, shows_images: bool = True) -> None:
        self._shows_images = shows_images

    @property
    def name(self) -> str:
        """`openai_chat`."""
        return NAME

    @property
    def traits(self) -> Traits:
        """Its habits."""
        return _TRAITS

    def read_request(self, body: Mapping[str, Any]) -> ModelRequest:
        """A client's request. Raises `gateway.errors.InvalidRequest`."""
        return read_request(body)

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider."""
        return write_request(request, model=model, shows_images=self._shows_images)

    def read_response(self, body: bytes) -> ModelResponse:
        """A provider's whole answer. Raises WireFormatError, UpstreamStreamError."""
        return read_response(body)

    def write_response(
        self, response: ModelResponse, *, toolgate: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A whole answer for a client."""
        return write_response(response, toolgate=toolgate)

    def stream_reader(self) -> ChatStreamReader:
        """A reader for one stream."""
        return ChatStreamReader()

    def stream_writer(self, *, include_usage: bool) -> ChatStreamWriter:
        """A writer for one stream."""
        return ChatStreamWriter(include_usage=include_usage)

    def provider_tools(self, body: Mapping[str, Any]) -> Iterator[ProviderTool]:
        """Each tool that the provider would run itself, or of which nobody can tell."""
        return provider_tools(body)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)

    def read_error(self, body: bytes) -> str | None:
        """The message in an error's body, in any of the forms that imitators give it."""
        return read_error(body)

    def usage_scanner(self) -> ChatUsageScanner:
        """A scanner for one stream."""
        return ChatUsageScanner()

    def usage_of(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of(body)


OPENAI_CHAT = OpenAIChat()
"""The codec with its defaults."""
