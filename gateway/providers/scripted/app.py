"""The scripted model's HTTP face: a small ASGI application that speaks several wire formats.

Above: `serving` puts it on a port. Below: a function from a request to a `Turn`. Refuses to know: how the turn
came about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio
from starlette.types import Receive, Scope, Send

from gateway.providers.scripted import (
    cohere_wire,
    converse_wire,
    gemini_wire,
    messages_wire,
    ollama_wire,
    responses_wire,
    wire,
)
from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.turns import Turn

SCRIPTED_MODEL = "toolgate-scripted"
"""The name of the scripted model."""

_LARGEST_BODY = 16 * 1024 * 1024  # bytes

Headers = Mapping[str, str]
Decide = Callable[[Headers, bytes, Mapping[str, Any]], Awaitable[Turn]]


class ChatApp:
    """Answers lists of models; and where models are called (`_FORMS`), with what `decide` says.

    `pause` is in seconds between the events of a stream, so that people can watch it. `on_left` is called when
    a client leaves before its answer is complete.
    """

    def __init__(
        self,
        decide: Decide,
        *,
        models: tuple[str, ...] = (SCRIPTED_MODEL,),
        pause: float = 0.0,
        on_left: Callable[[], None] = lambda: None,
    ) -> None:
        self._decide = decide
        self._models = models
        self._pause = pause
        self._on_left = on_left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served, not {scope['type']}")
        endpoint = (scope["method"], scope["path"])
        if endpoint == ("GET", "/v1/models") and b"endpoint=chat" in scope["query_string"]:
            await _send_json(send, 200, cohere_wire.models(self._models))
        elif endpoint == ("GET", "/v1/models") and b"pageSize" in scope["query_string"]:
            await _send_json(send, 200, gemini_wire.models(self._models))
        elif endpoint == ("GET", "/v1/models"):
            await _send_json(send, 200, self._list_models())
        elif endpoint == ("GET", "/api/tags"):
            await _send_json(send, 200, ollama_wire.tags(self._models))
        elif (form := _form_at(*endpoint)) is not None:
            await self._chat(form, scope, receive, send)
        elif scope["method"] == "POST" and (found := _addressed(scope)) is not None:
            await self._chat(found[0], scope, receive, send, found[1])
        else:
            message = f"there is nothing at {scope['method']} {scope['path']}"
            await _send_json(send, 404, wire.error_object(message, "invalid_request_error"))

    def _list_models(self) -> dict[str, Any]:
        models = [{"id": model, "object": "model", "created": 0, "owned_by": "toolgate"} for model in self._models]
        return {"object": "list", "data": models}

    async def _chat(
        self, form: _Form, scope: Scope, receive: Receive, send: Send, address: Mapping[str, Any] | None = None
    ) -> None:
        body = await _read_body(receive)
        request = _parse(body, form.messages)
        if request is None:
            error = wire.error_object("the body is not a chat completion request", "invalid_request_error")
            await _send_json(send, 400, error)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path, query = (scope[part].decode("latin-1") for part in ("raw_path", "query_string"))
        headers[":path"] = f"{path}?{query}" if query else path
        turn = await self._decide(headers, body, request)
        player = _Player(form, turn, {**request, **(address or {})}, send, self._pause)
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, receive, player, group.cancel_scope)
            await player.play()
            group.cancel_scope.cancel()

    async def _watch(self, receive: Receive, player: _Player, everything: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not player.is_done:
            self._on_left()
            everything.cancel()


@dataclass(frozen=True, slots=True)
class _Form:
    """How turns are told in one wire format. With `streams_unsaid` a request that does not say gets a stream; with
    `streams` set, the URL says it.
    """

    completion: Callable[[Turn, Mapping[str, Any]], Mapping[str, Any]]
    events: Callable[[Turn, Mapping[str, Any]], Iterable[bytes]]
    error: Callable[[int], Mapping[str, Any]]
    error_event: Callable[[str], bytes]
    done: bytes
    stream_type: str = "text/event-stream; charset=utf-8"
    malformed: bytes = b"data: {this is not JSON\n\n"
    streams_unsaid: bool = False
    streams: bool | None = None
    messages: str = "messages"
    """The field of a request that holds the conversation."""

    def is_stream(self, request: Mapping[str, Any]) -> bool:
        if self.streams is not None:
            return self.streams
        return bool(request.get("stream", self.streams_unsaid))


def _chat_error(status: int) -> Mapping[str, Any]:
    return wire.error_object(f"the script says {status}", "scripted_error", "scripted")


def _messages_error(status: int) -> Mapping[str, Any]:
    return messages_wire.error_object(f"the script says {status}", status)


def _responses_error(status: int) -> Mapping[str, Any]:
    return responses_wire.error_object(f"the script says {status}", status)


def _gemini_error(status: int) -> Mapping[str, Any]:
    return gemini_wire.error_object(f"the script says {status}", status)


def _count(turn: Turn, request: Mapping[str, Any]) -> Mapping[str, Any]:
    return gemini_wire.tokens(request)


def _ollama_error(status: int) -> Mapping[str, Any]:
    return ollama_wire.error_object(f"the script says {status}")


def _cohere_error(status: int) -> Mapping[str, Any]:
    return cohere_wire.error_object(f"the script says {status}")


def _amazon_error(status: int) -> Mapping[str, Any]:
    return converse_wire.error_object(f"the script says {status}", status)


_FORMS: Mapping[tuple[str, str], _Form] = {
    ("POST", "/v1/chat/completions"): _Form(
        wire.completion, wire.events, _chat_error, wire.error_event, wire.DONE
    ),
    ("POST", "/v1/messages"): _Form(
        messages_wire.completion,
        messages_wire.events,
        _messages_error,
        messages_wire.error_event,
        messages_wire.DONE,
    ),
    ("POST", "/v2/chat"): _Form(
        cohere_wire.completion, cohere_wire.events, _cohere_error, cohere_wire.error_event, cohere_wire.DONE
    ),
    ("POST", "/v1/responses"): _Form(
        responses_wire.completion,
        responses_wire.events,
        _responses_error,
        responses_wire.error_event,
        b"",
    ),
    ("POST", "/api/chat"): _Form(
        ollama_wire.completion,
        ollama_wire.events,
        _ollama_error,
        ollama_wire.error_event,
        b"",
        stream_type="application/x-ndjson",
        malformed=b"{this is not JSON\n",
        streams_unsaid=True,
    ),
}


_CONVERSE = _Form(
    converse_wire.completion,
    converse_wire.events,
    _amazon_error,
    converse_wire.error_event,
    b"",
    stream_type=converse_wire.STREAM_TYPE,
    malformed=converse_wire.MALFORMED,
    streams=False,
)
_INVOKE = replace(_CONVERSE, completion=messages_wire.completion, events=converse_wire.framed_messages)
_AMAZONS: Mapping[str, _Form] = {
    "converse": _CONVERSE,
    "converse-stream": replace(_CONVERSE, streams=True),
    "invoke": _INVOKE,
    "invoke-with-response-stream": replace(_INVOKE, streams=True),
}
"""By the last step of the path, behind `/model/` and the model's name."""


def _form_at(method: str, path: str) -> _Form | None:
    if method == "POST" and path.startswith("/model/"):
        return _AMAZONS.get(path.rpartition("/")[2])
    return _FORMS.get((method, path))


_GEMINI = _Form(
    gemini_wire.completion, gemini_wire.events, _gemini_error, gemini_wire.error_event, b"", messages="contents"
)
_METHODS: Mapping[str, _Form] = {
    "generateContent": _GEMINI,
    "streamGenerateContent": _GEMINI,
    "countTokens": replace(_GEMINI, completion=_count),
    "rawPredict": _FORMS["POST", "/v1/messages"],
    "streamRawPredict": _FORMS["POST", "/v1/messages"],
}
"""By what follows the last colon of a path that names the model, as Google's paths do."""
_ADDRESS = re.compile(r"/v1/models/(.+):(\w+)")


def _addressed(scope: Scope) -> tuple[_Form, dict[str, Any]] | None:
    """The form of a path that names the model, and what it says."""
    match = _ADDRESS.fullmatch(scope["path"])
    form = _METHODS.get(match[2]) if match else None
    if match is None or form is None:
        return None
    return form, {"model": match[1], "stream": match[2].startswith("stream")}


class _Player:
    """Plays one turn to one client, with its faults."""

    def __init__(self, form: _Form, turn: Turn, request: Mapping[str, Any], send: Send, pause: float) -> None:
        self._form = form
        self._turn = turn
        self._request = request
        self._send = send
        self._pause = pause
        self.is_done = False

    async def play(self) -> None:
        turn = self._turn
        if turn.wait_for is not None:
            await turn.wait_for.wait()
        if turn.status >= 400 or turn.body is not None:
            body = turn.body
            if body is None:
                body = json.dumps(self._form.error(turn.status)).encode()
            await self._whole(body, turn.content_type)
        elif self._form.is_stream(self._request):
            await self._stream()
        else:
            await self._completion()

    async def _completion(self) -> None:
        if self._turn.stall_after is not None:
            await self._stall()
        if self._turn.malformed_after is not None:
            await self._whole(b'{"id": "chatcmpl-', "application/json")
            return
        body = json.dumps(self._form.completion(self._turn, self._request), ensure_ascii=False).encode()
        await self._whole(body, "application/json", cut=self._turn.cut_after is not None)

    async def _whole(self, body: bytes, content_type: str, *, cut: bool = False) -> None:
        await self._start(content_type, {"content-length": str(len(body))})
        if cut:  # a server closes the connection of an application that returns in the middle
            await self._send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            self.is_done = True
            return
        self.is_done = True
        await self._send({"type": "http.response.body", "body": body})

    async def _stream(self) -> None:
        await self._start(self._form.stream_type, {"cache-control": "no-cache"})
        for count, event in enumerate([*self._form.events(self._turn, self._request), self._form.done]):
            if await self._strike(count):
                return
            await self._emit(event)
            if self._pause:
                await anyio.sleep(self._pause)
        await self._end()

    async def _strike(self, count: int) -> bool:
        """Let the fault that is due at this event happen; true when it ends the stream."""
        turn = self._turn
        if count == turn.cut_after:
            self.is_done = True
            return True
        if count == turn.end_after:
            await self._end()
            return True
        if count == turn.stall_after:
            await self._stall()
        elif count == turn.malformed_after:
            await self._emit(self._form.malformed)
        elif count == turn.error_after:
            await self._emit(self._form.error_event("the script says error"))
        return False

    async def _stall(self) -> None:
        if self._turn.resume is None:
            await anyio.sleep_forever()
        else:
            await self._turn.resume.wait()

    async def _start(self, content_type: str, extra: Mapping[str, str]) -> None:
        headers = {"content-type": content_type, **extra, **self._turn.headers}
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": self._turn.status, "headers": raw})

    async def _emit(self, event: bytes) -> None:
        await self._send({"type": "http.response.body", "body": event, "more_body": True})

    async def _end(self) -> None:
        self.is_done = True
        await self._send({"type": "http.response.body", "body": b""})


async def _read_body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > _LARGEST_BODY or message["type"] == "http.disconnect":
            return b""
        pieces.append(piece)
        if not message.get("more_body", False):
            return b"".join(pieces)


def _parse(body: bytes, field: str) -> dict[str, Any] | None:
    try:
        request = as_object(json.loads(body))
    except ValueError:
        return None
    if isinstance(request.get("input"), str):
        return request
    messages: Any = request.get(field, request.get("input"))
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in as_list(messages)):
        return None
    return request


async def _send_json(send: Send, status: int, value: Any) -> None:
    body = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
