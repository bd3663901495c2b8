"""The codec of OpenAI Chat."""

from __future__ import annotations

from typing import Any

from gateway.conversation import ModelRequest
from gateway.dialects.faults import ToldFault
from gateway.dialects.openai_chat.name import NAME
from gateway.dialects.openai_chat.provider_tools import provider_tools
from gateway.dialects.openai_chat.request_reading import read_request
from gateway.dialects.openai_chat.request_writing import write_request
from gateway.dialects.openai_chat.responses import read_response, write_response
from gateway.dialects.openai_chat.stream_reading import ChatStreamReader
from gateway.dialects.openai_chat.stream_writing import ChatStreamWriter
from gateway.dialects.openai_chat.usage_asking import USAGE_ASKING
from gateway.dialects.openai_chat.usage_scanner import ChatUsageScanner, usage_of
from gateway.dialects.openai_errors import read_error, write_error
from gateway.dialects.traits import Traits

_TRAITS = Traits(
    response_id_prefix="chatcmpl-",
    spent_status=429,
    turn_mark=b'"assistant"',
    proof_mark=b"signature",
    tool_name="function.name",
    usage_asking=USAGE_ASKING,
    end_marks=(b"[DONE]", b'"finish_reason":"', b'"finish_reason": "'),
)


class OpenAIChat:
    """See `gateway.dialects.Dialect`. `shows_images` says whether models are shown images from tool results."""

    name = NAME
    traits = _TRAITS
    read_request = staticmethod(read_request)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)
    stream_reader = ChatStreamReader
    provider_tools = staticmethod(provider_tools)
    read_error = staticmethod(read_error)
    usage_scanner = ChatUsageScanner
    usage_of = staticmethod(usage_of)

    def __init__(self, *, shows_images: bool = True) -> None:
        self._shows_images = shows_images

    def write_request(self, request: ModelRequest, *, model: str) -> dict[str, Any]:
        """A request for a provider."""
        return write_request(request, model=model, shows_images=self._shows_images)

    def stream_writer(self, *, include_usage: bool) -> ChatStreamWriter:
        """A writer for one stream."""
        return ChatStreamWriter(include_usage=include_usage)

    def write_error(self, fault: ToldFault, *, request_id: str) -> dict[str, Any]:
        """A fault as the body of an HTTP error; the request's id stands in a header."""
        return write_error(fault)


OPENAI_CHAT = OpenAIChat()
"""The codec with its defaults."""
