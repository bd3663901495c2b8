"""The canonical vocabulary: what a conversation with a model is made of, whatever its wire format.

Above: dialects translate wire formats to and from these values; the tool loop, routing and the API speak only
in them. Below: nothing but the standard library. Refuses to know: HTTP, providers, MCP, policies.

Every value is immutable. A value that was read from a wire keeps the object it was read from (`Source`), so
that writing it back in the same dialect is lossless, fields unknown to us included; written in another
dialect, only what this vocabulary names is carried over.
"""

from gateway.conversation.assembly import ResponseAssembler
from gateway.conversation.events import (
    Finished,
    ReasoningDelta,
    RefusalDelta,
    ResponseStarted,
    ServedCallEnded,
    ServedCallStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    ToolsListed,
    UnknownDelta,
    UsageReported,
)
from gateway.conversation.messages import Message, Role
from gateway.conversation.parts import (
    Media,
    Part,
    Reasoning,
    Refusal,
    ServedCall,
    Text,
    ToolCall,
    ToolListing,
    ToolResult,
    UnknownPart,
)
from gateway.conversation.requests import ModelRequest, ResponseSchema
from gateway.conversation.responses import FinishReason, ModelResponse
from gateway.conversation.source import Source
from gateway.conversation.tools import ToolChoice, ToolDefinition
from gateway.conversation.usage import Usage

__all__ = [
    "FinishReason",
    "Finished",
    "Media",
    "Message",
    "ModelRequest",
    "ModelResponse",
    "Part",
    "Reasoning",
    "ReasoningDelta",
    "Refusal",
    "RefusalDelta",
    "ResponseAssembler",
    "ResponseSchema",
    "ResponseStarted",
    "Role",
    "ServedCall",
    "ServedCallEnded",
    "ServedCallStarted",
    "Source",
    "StreamEvent",
    "Text",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallStarted",
    "ToolChoice",
    "ToolDefinition",
    "ToolListing",
    "ToolResult",
    "ToolsListed",
    "UnknownDelta",
    "UnknownPart",
    "Usage",
    "UsageReported",
]
