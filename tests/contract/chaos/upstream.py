"""A provider that misbehaves byte for byte, over real HTTP; what it does is what a test tells it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.unit.providers.raw_servers import Peer, RawServer, raw_server

Behaviour = Callable[[Peer], Awaitable[None]]


@dataclass
class Chaos:
    """The provider. Each request meets the next of its `behaviours`; then the connection ends."""

    origin: str = ""
    close: Callable[[], None] = lambda: None
    """Listens no more."""
    behaviours: deque[Behaviour] = field(default_factory=deque)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def will(self, *behaviours: Behaviour) -> None:
        self.requests.clear()
        self.behaviours = deque(behaviours)

    async def serve(self, server: RawServer, peer: Peer) -> None:
        request = await peer.request()
        if not request:
            return
        self.requests.append(json.loads(request.partition(b"\r\n\r\n")[2]))
        behave = self.behaviours.popleft() if self.behaviours else refuse(500)
        await behave(peer)


@asynccontextmanager
async def chaos() -> AsyncGenerator[Chaos]:
    upstream = Chaos()
    async with raw_server(upstream.serve) as server:
        upstream.origin, upstream.close = server.origin, server.close
        yield upstream


# What it may do.


def head(
    status: str = "200 OK", *, length: int | None = None, kind: str = "application/json", more: str = ""
) -> bytes:
    sized = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{sized}\r\nconnection: close\r\n{more}\r\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def silence(peer: Peer) -> None:
    """Never begins to answer."""
    await peer.closed_by_client()


async def hang_up(peer: Peer) -> None:
    """Ends the connection at once."""


def refuse(status: int, body: bytes = b'{"error": {"message": "no"}}', more: str = "") -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.send(head(f"{status} Sorry", length=len(body), more=more) + body)

    return behave


def send(data: bytes, *, then: Behaviour = hang_up) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.send(data)
        await then(peer)

    return behave


def whole(body: bytes, *, length: int | None = None, kind: str = "application/json") -> Behaviour:
    """Sends this body, and may lie about its length."""
    return send(head(length=len(body) if length is None else length, kind=kind) + body)


def stream(*events: bytes, then: Behaviour | None = None, kind: str = "text/event-stream") -> Behaviour:
    """Sends these events, and the end of the body unless something else happens then."""
    data = head(kind=kind) + b"".join(chunk(event) for event in events)
    return send(data + b"0\r\n\r\n") if then is None else send(data, then=then)


# What models say, in both formats.


def sse(value: Any, event: str | None = None) -> bytes:
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {json.dumps(value)}\n\n".encode()


@dataclass(frozen=True)
class Form:
    """One wire format: an answer, and a stream in pieces."""

    dialect: str
    answer: bytes
    beginning: tuple[bytes, ...]
    """Says nothing yet."""
    text: tuple[bytes, ...]
    call: tuple[bytes, ...]
    """A call of the calculator, broken off in the middle of its arguments."""
    call_end: tuple[bytes, ...]
    end: tuple[bytes, ...]
    """After the text."""
    error: bytes


def _chat(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def _call(name: str | None, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {"tool_calls": [{"index": 0, "function": function, **({"id": "call_1"} if name else {})}]}


def _message(event: str, **fields: Any) -> bytes:
    return sse({"type": event, **fields}, event)


def _stopped(reason: str) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return _message("message_delta", delta=delta, usage={"output_tokens": 9})


CHAT = Form(
    dialect="openai_chat",
    answer=json.dumps(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "from the first"},
                    "finish_reason": "stop",
                }
            ],
        }
    ).encode(),
    beginning=(_chat({"role": "assistant", "content": ""}),),
    text=(_chat({"content": "once upon "}),),
    call=(_chat(_call("demo__calculate", '{"expression"')),),
    end=(_chat({}, "stop"), b"data: [DONE]\n\n"),
    call_end=(_chat(_call(None, ': "6 * 7"}')), _chat({}, "tool_calls"), b"data: [DONE]\n\n"),
    error=sse({"error": {"message": "overloaded", "type": "server_error", "code": 503}}),
)
MESSAGES = Form(
    dialect="anthropic_messages",
    answer=json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "from the first"}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
    ).encode(),
    beginning=(
        _message(
            "message_start",
            message={
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "m",
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        ),
    ),
    text=(
        _message("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _message("content_block_delta", index=0, delta={"type": "text_delta", "text": "once upon "}),
    ),
    call=(
        _message(
            "content_block_start",
            index=0,
            content_block={"type": "tool_use", "id": "call_1", "name": "demo__calculate", "input": {}},
        ),
        _message(
            "content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"expression"'}
        ),
    ),
    call_end=(
        _message("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": ': "6 * 7"}'}),
        _message("content_block_stop", index=0),
        _message(
            "message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9}
        ),
        _message("message_stop"),
    ),
    end=(
        _message("content_block_stop", index=0),
        _message(
            "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 9}
        ),
        _message("message_stop"),
    ),
    error=_message("error", error={"type": "overloaded_error", "message": "overloaded"}),
)
FORMS = {form.dialect: form for form in (CHAT, MESSAGES)}


def whole_call(form: Form) -> bytes:
    """A whole answer that calls the calculator."""
    said = json.loads(form.answer)
    if form is CHAT:
        function = {"name": "demo__calculate", "arguments": '{"expression": "6 * 7"}'}
        message = {"role": "assistant", "content": None}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        said["choices"][0] |= {"message": message, "finish_reason": "tool_calls"}
    else:
        call = {"type": "tool_use", "id": "call_1", "name": "demo__calculate", "input": {"expression": "6 * 7"}}
        said |= {"content": [call], "stop_reason": "tool_use"}
    return json.dumps(said).encode()
