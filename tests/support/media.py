"""A host of images and sound, as OpenAI's SDK asks for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

USAGE: dict[str, Any] = {
    "input_tokens": 5,
    "output_tokens": 6,
    "total_tokens": 11,
    "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
}
PICTURE: dict[str, Any] = {"created": 1, "data": [{"b64_json": "aGk="}], "usage": USAGE}
SOUND = bytes(range(256)) * 600


@dataclass(frozen=True)
class Asked:
    """One request: its path, its headers, and its fields; of a file, its name, its content type and its bytes.
    `raw` is its body as it came.
    """

    path: str
    headers: dict[str, str]
    fields: dict[str, Any]
    raw: bytes = b""


class MediaHost:
    """Answers whatever is asked, in the form that belongs to the path; and keeps what was asked.

    The voice `mute` breaks off in the middle, and the prompt `half` ends a stream before its last event.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        await request.body()  # so that it can be read twice
        fields = await _fields(request)
        self.asked.append(Asked(scope["path"], dict(request.headers), fields, await request.body()))
        body, kind = _answer(scope["path"], fields)
        headers = [(b"content-type", kind.encode()), (b"openai-organization", b"the operator's")]
        is_cut = fields.get("voice") == "mute"
        if is_cut:
            headers.append((b"content-length", str(2 * len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": is_cut})


async def _fields(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type") == "application/json":
        return await request.json()
    found: dict[str, Any] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                found[name] = (value.filename, value.content_type, await value.read())
            else:
                found[name] = value
    return found


def _answer(path: str, fields: dict[str, Any]) -> tuple[bytes, str]:
    if path.endswith("/audio/speech"):
        return SOUND, "audio/mpeg"
    if "/audio/" in path:
        if fields.get("response_format") == "srt":
            return b"1\n00:00:00,000 --> 00:00:01,000\nocean\n", "text/plain"
        if fields.get("stream") == "true":
            return _events({"type": "transcript.text.done", "text": "ocean"}), "text/event-stream"
        return json.dumps({"text": "ocean"}).encode(), "application/json"
    if fields.get("stream") is True:
        partial = {"type": "image_generation.partial_image", "b64_json": "aA==", "partial_image_index": 0}
        done = {"type": "image_generation.completed", "b64_json": "aGk="}
        return _events(partial, *([] if fields["prompt"] == "half" else [done])), "text/event-stream"
    return json.dumps(PICTURE).encode(), "application/json"


def _events(*events: dict[str, Any]) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
