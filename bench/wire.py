"""What is said on the wire: requests that every server gets alike, and the answers of the mock upstream.

The model's name chooses the answer, because it is what every proxy hands on.
"""

from __future__ import annotations

from typing import Any

import orjson

CHAT = "bench-chat"
"""Answers with about 1 kB, at once."""
BURST = "bench-burst"
"""Streams CHUNKS chunks as fast as the client takes them."""
PACED = "bench-paced"
"""Streams CHUNKS chunks in about a second, as a model does."""
TOOLS = "bench-tools"
"""Calls a calculator first, and answers once it has a result."""
MODELS = (CHAT, BURST, PACED, TOOLS)

CHUNKS = 100
CHUNK_SECONDS = 0.01
MARKER = "the-answer-ends-here"
"""In every answer: a probe looks for it before anything is measured."""

_CALCULATE = "calculate"
_PROSE = "A gateway that is measured should do what it does every day, and no more. " * 9
_USAGE = {"prompt_tokens": 220, "completion_tokens": 180, "total_tokens": 400}


def request(
    path: str, model: str, *, key: str, is_streamed: bool = False, extra: dict[str, Any] | None = None
) -> bytes:
    """One whole HTTP request of about 1 kB, for a connection that is kept."""
    messages = [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": _PROSE + "What is 6 * 7?"},
    ]
    asked: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0.2, **(extra or {})}
    if is_streamed:
        asked["stream"] = True
    body = orjson.dumps(asked)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nAccept: */*\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer(body: dict[str, Any]) -> bytes:
    """A whole HTTP response that carries this completion."""
    content = orjson.dumps(body)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def completion(message: dict[str, Any], *, finish: str, model: str) -> dict[str, Any]:
    """A chat completion with one choice."""
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": _USAGE,
    }


def text_answer(model: str) -> bytes:
    """The response of CHAT, and the last one of TOOLS."""
    message = {"role": "assistant", "content": _PROSE + MARKER, "refusal": None}
    return answer(completion(message, finish="stop", model=model))


def tool_answer(asked: dict[str, Any]) -> bytes:
    """The response of TOOLS to a conversation: a call to the calculator among its tools, then the text."""
    if any(message["role"] == "tool" for message in asked["messages"]):
        return text_answer(TOOLS)
    names = [tool["function"]["name"] for tool in asked.get("tools", ())]
    name = next((name for name in names if name.endswith(_CALCULATE)), _CALCULATE)
    call = {
        "id": "call_bench",
        "type": "function",
        "function": {"name": name, "arguments": '{"expression": "6 * 7"}'},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return answer(completion(message, finish="tool_calls", model=TOOLS))


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
STREAM_END = b"0\r\n\r\n"


def stream_pieces(model: str, *, with_usage: bool) -> list[bytes]:
    """The pieces of a streamed answer, each one event in one HTTP chunk; after the last comes STREAM_END."""
    words: list[dict[str, Any]] = [{"content": f"word {number} "} for number in range(CHUNKS - 2)]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *words, {"content": MARKER}]
    events = [_chunk(model, delta, None) for delta in deltas]
    events.append(_chunk(model, {}, "stop"))
    if with_usage:
        events.append(_chunk(model, None, None))
    return [_piece(orjson.dumps(event)) for event in events] + [_piece(b"[DONE]")]


def _chunk(model: str, delta: dict[str, Any] | None, finish: str | None) -> dict[str, Any]:
    chunk: dict[str, Any] = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": model,
        "choices": [],
    }
    if delta is None:
        return {**chunk, "usage": _USAGE}
    return {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _piece(data: bytes) -> bytes:
    event = b"data: " + data + b"\n\n"
    return f"{len(event):x}\r\n".encode() + event + b"\r\n"
