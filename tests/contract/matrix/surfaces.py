"""The seven surfaces in plain HTTP: where each is, a request of its own, and how it tells of a failure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.eventstream import EventStreamBuffer

from tests.support.covering import CHAT, COHERE, CONVERSE, GEMINI, MESSAGES, OLLAMA, RESPONSES

_HELLO = [{"role": "user", "content": "hello"}]


@dataclass(frozen=True)
class Surface:
    """One wire format as clients of it call the gateway.

    `conversation` is the field that holds what was said. `message_of` finds the message in the body of an error;
    `ending` finds it in a stream that failed, and fails where the stream has another end.
    """

    path: Callable[[str, bool], str]
    body: Mapping[str, Any]
    conversation: str
    names_model: bool
    message_of: Callable[[Any], str]
    ending: Callable[[bytes], str]

    def request(self, model: str, *, stream: bool = False, **more: Any) -> tuple[str, dict[str, Any]]:
        """The path and the body of a request."""
        body = {**self.body, **more}
        if self.names_model:
            body |= {"model": model, "stream": stream}
        return self.path(model, stream), body


def _at(path: str) -> Callable[[str, bool], str]:
    return lambda model, stream: path


def _at_googles(model: str, stream: bool) -> str:
    return f"/v1beta/models/{quote(model)}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")


def _at_amazons(model: str, stream: bool) -> str:
    return f"/model/{quote(model, safe='')}/converse" + ("-stream" if stream else "")


def _error_message(body: Any) -> str:
    return body["error"]["message"]


def _events(stream: bytes) -> list[Any]:
    """The data of server-sent events; comments, which say nothing, are left out."""
    assert stream.endswith(b"\n\n")
    lines = [line.removeprefix(b"data: ") for line in stream.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def _last_event(stream: bytes) -> str:
    return _error_message(_events(stream)[-1])


def _failed_response(stream: bytes) -> str:
    last = _events(stream)[-1]
    if last["type"] == "error":  # of a response that passed through, nothing is known to repeat
        return last["message"]
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    return last["response"]["error"]["message"]


def _anthropic_event(stream: bytes) -> str:
    assert _events(stream)[-1]["type"] == "error"
    assert b"message_stop" not in stream
    return _last_event(stream)


def _exception_frame(stream: bytes) -> str:
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    last = [message.to_response_dict() for message in buffer][-1]
    assert last["headers"][":message-type"] == "exception"
    return json.loads(last["body"])["message"]


def _failed_end(stream: bytes) -> str:
    last = _events(stream)[-1]
    assert (last["type"], last["delta"]["finish_reason"]) == ("message-end", "ERROR")
    return last["delta"]["error"]


def _last_line(stream: bytes) -> str:
    assert stream.endswith(b"\n")
    return json.loads(stream.splitlines()[-1])["error"]


SURFACES: Mapping[str, Surface] = {
    CHAT: Surface(
        _at("/v1/chat/completions"), {"messages": _HELLO}, "messages", True, _error_message, _last_event
    ),
    RESPONSES: Surface(_at("/v1/responses"), {"input": _HELLO}, "input", True, _error_message, _failed_response),
    MESSAGES: Surface(
        _at("/v1/messages"),
        {"messages": _HELLO, "max_tokens": 100},
        "messages",
        True,
        _error_message,
        _anthropic_event,
    ),
    GEMINI: Surface(
        _at_googles,
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
        "contents",
        False,
        _error_message,
        _last_event,
    ),
    CONVERSE: Surface(
        _at_amazons,
        {"messages": [{"role": "user", "content": [{"text": "hello"}]}]},
        "messages",
        False,
        lambda body: body["message"],
        _exception_frame,
    ),
    COHERE: Surface(
        _at("/v2/chat"), {"messages": _HELLO}, "messages", True, lambda body: body["message"], _failed_end
    ),
    OLLAMA: Surface(
        _at("/api/chat"), {"messages": _HELLO}, "messages", True, lambda body: body["error"], _last_line
    ),
}
