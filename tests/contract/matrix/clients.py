"""The vendors' SDKs, each asked in its own words and heard in ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.genai import types

from tests.contract.bedrock import asking as amazon
from tests.contract.gemini import asking as google
from tests.contract.loop import asking as chat
from tests.contract.messages import asking as anthropic
from tests.contract.responses import asking as responses
from tests.support.covering import ANTHROPIC_SDK, BOTO3, CHAT_SDK, GOOGLE_SDK, RESPONSES_SDK
from tests.support.gateways import InProcess

PICTURE = b"\x89PNG\r\n\x1a\n a picture"
BASE64 = base64.b64encode(PICTURE).decode()
_URL = f"data:image/png;base64,{BASE64}"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
_QUESTION = "What is this?"


@dataclass(frozen=True)
class Heard:
    """What a client made of an answer: its text, and the names of the tools that are to be called."""

    text: str
    calls: list[str]


@dataclass(frozen=True)
class Wanted:
    """What a request has beside a greeting: a tool of the client's own, `ask_user`; a picture; a form."""

    tool: bool = False
    picture: bool = False
    form: bool = False


Ask = Callable[[InProcess, str, Wanted, bool], Awaitable[Heard]]


async def _chat(gateway: InProcess, model: str, wanted: Wanted, stream: bool) -> Heard:
    request: dict[str, Any] = {"model": model}
    if wanted.tool:
        function = {**anthropic.ASK_USER, "parameters": anthropic.ASK_USER["input_schema"]}
        del function["input_schema"]
        request["tools"] = [{"type": "function", "function": function}]
    if wanted.form:
        schema = {"name": "verdict", "schema": SCHEMA, "strict": True}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    if wanted.picture:
        image = {"type": "image_url", "image_url": {"url": _URL}}
        request["messages"] = [{"role": "user", "content": [{"type": "text", "text": _QUESTION}, image]}]
    if not stream:
        message = (await chat.whole(gateway, **request)).choices[0].message
        return Heard(message.content or "", [call.function.name for call in message.tool_calls or ()])
    chunks = await chat.streamed(gateway, **request)
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    return Heard(chat.text_of(chunks), [call.function.name for call in calls if call.function.name])


async def _responses(gateway: InProcess, model: str, wanted: Wanted, stream: bool) -> Heard:
    request: dict[str, Any] = {"tools": [responses.ASK_USER]} if wanted.tool else {}
    if wanted.form:
        request["text"] = {"format": {"type": "json_schema", "name": "verdict", "schema": SCHEMA, "strict": True}}
    if wanted.picture:
        image = {"type": "input_image", "image_url": _URL, "detail": "auto"}
        request["input"] = [{"role": "user", "content": [{"type": "input_text", "text": _QUESTION}, image]}]
    answer = await (responses.accumulated if stream else responses.whole)(gateway, model, **request)
    return Heard(answer.output_text, [item.name for item in answer.output if item.type == "function_call"])


async def _anthropic(gateway: InProcess, model: str, wanted: Wanted, stream: bool) -> Heard:
    request: dict[str, Any] = {"tools": [anthropic.ASK_USER]} if wanted.tool else {}
    if wanted.form:
        request["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
    if wanted.picture:
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64}}
        request["messages"] = [{"role": "user", "content": [{"type": "text", "text": _QUESTION}, image]}]
    answer = await (anthropic.accumulated if stream else anthropic.whole)(gateway, model, **request)
    return Heard(anthropic.text_of(answer), [block.name for block in answer.content if block.type == "tool_use"])


async def _google(gateway: InProcess, model: str, wanted: Wanted, stream: bool) -> Heard:
    contents: Any = _QUESTION
    if wanted.picture:
        contents = [_QUESTION, types.Part.from_bytes(data=PICTURE, mime_type="image/png")]
    request: dict[str, Any] = {"tools": [google.ASK_USER]} if wanted.tool else {}
    if wanted.form:
        request |= {"response_mime_type": "application/json", "response_json_schema": SCHEMA}
    if stream:
        chunks = await google.streamed(gateway, model, contents, **request)
    else:
        chunks = [await google.whole(gateway, model, contents, **request)]
    calls = [part.function_call.name or "" for part in google.parts_in(chunks) if part.function_call]
    return Heard(google.text_in(chunks), calls)


async def _amazon(gateway: InProcess, model: str, wanted: Wanted, stream: bool) -> Heard:
    request: dict[str, Any] = {"toolConfig": {"tools": [amazon.ASK_USER]}} if wanted.tool else {}
    if wanted.form:
        schema = {"name": "verdict", "schema": json.dumps(SCHEMA)}
        request["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    if wanted.picture:
        image = {"image": {"format": "png", "source": {"bytes": PICTURE}}}
        request["messages"] = [{"role": "user", "content": [{"text": _QUESTION}, image]}]
    answer = await (amazon.streamed if stream else amazon.whole)(gateway, model, **request)
    return Heard(amazon.text_of(answer), [call["name"] for call in amazon.calls_of(answer)])


ASKS: Mapping[str, Ask] = {
    CHAT_SDK: _chat,
    RESPONSES_SDK: _responses,
    ANTHROPIC_SDK: _anthropic,
    GOOGLE_SDK: _google,
    BOTO3: _amazon,
}
