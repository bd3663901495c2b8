"""What is asked and answered, in every dialect: made by toolgate's own codecs, outside of what is measured."""

from __future__ import annotations

from functools import cache

import orjson

from bench.wire import CHUNKS, MARKER
from gateway.conversation import (
    Finished,
    FinishReason,
    Message,
    ModelRequest,
    ModelResponse,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolDefinition,
    ToolResult,
    Usage,
    UsageReported,
)
from gateway.dialects import Dialect
from gateway.providers.endpoints import ENDPOINTS

CLIENTS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}
"""The dialects of clients that are measured, and where they ask."""

PROVIDERS = tuple(name for name in ENDPOINTS if "anthropic_" not in name or name == "anthropic_messages")
"""The dialects of providers; one that differs in its address alone is measured once."""

_PROSE = "A gateway that is measured should do what it does every day, and no more. " * 6
_SCHEMA = {
    "type": "object",
    "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}},
    "required": ["path"],
}
_USAGE = Usage(input_tokens=420, output_tokens=180)


def client_request(client: str, model: str, key: str, *, stream: bool) -> bytes:
    """A whole HTTP request of about 3 kB: a system message, tools, a call and its result, and a question."""
    call = ToolCall("call_1", "read_file", '{"path": "notes/today.txt", "limit": 20}')
    messages = (
        Message("system", (Text("You are terse. " + _PROSE),)),
        Message("user", (Text(_PROSE + "What is in my notes?"),)),
        Message("assistant", (Text("Let me look."), call)),
        Message("tool", (ToolResult(call.id, (Text(_PROSE),)),)),
        Message("user", (Text("And what does that mean?"),)),
    )
    tools = tuple(
        ToolDefinition(f"{verb}_file", f"To {verb} a file.", _SCHEMA) for verb in ("read", "list", "find")
    )
    asked = ModelRequest(
        model, messages, client, tools=tools, max_tokens=1024, stream=stream, include_usage=stream
    )
    body = orjson.dumps(ENDPOINTS[client].dialect.write_request(asked, model=model))
    head = (
        f"POST {CLIENTS[client]} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@cache
def whole_answer(dialect: str) -> bytes:
    """A whole HTTP response of about half a kB of text."""
    message = Message("assistant", (Text(_PROSE + MARKER),))
    response = ModelResponse("bench-1", "bench", 1_760_000_000, message, FinishReason.STOP, _USAGE)
    content = orjson.dumps(ENDPOINTS[dialect].dialect.write_response(response))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


@cache
def streamed_answer(dialect: str) -> bytes:
    """A whole HTTP response that streams CHUNKS pieces of text, each a chunk of its own."""
    codec = ENDPOINTS[dialect].dialect
    frames = list(_frames(codec))
    body = b"".join(f"{len(frame):x}\r\n".encode() + frame + b"\r\n" for frame in frames if frame)
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: {codec.traits.stream_type}\r\n"
        "Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode() + body + b"0\r\n\r\n"


def _frames(codec: Dialect) -> list[bytes]:
    writer = codec.stream_writer(include_usage=True)
    words = [TextDelta(f"word {number} ") for number in range(CHUNKS - 1)]
    events: list[StreamEvent] = [ResponseStarted("bench-1", "bench", 1_760_000_000), *words, TextDelta(MARKER)]
    events += [Finished(FinishReason.STOP), UsageReported(_USAGE)]
    return [*(writer.write(event) for event in events), writer.done()]
