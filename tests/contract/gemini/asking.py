"""How tests ask: Google's own SDK, streamed and not; and what the models were asked, in any dialect."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
from google import genai
from google.genai import types

from gateway.providers.scripted import Call, ScriptedUpstream
from tests.support.gateways import SECRET, InProcess

TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASK_USER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="ask_user",
            description="asks",
            parameters_json_schema={"type": "object", "properties": {"question": {"type": "string"}}},
        )
    ]
)


@asynccontextmanager
async def client(gateway: InProcess, secret: str = SECRET, version: str | None = None) -> AsyncGenerator[Any]:
    async with httpx2.AsyncClient() as http:
        options = types.HttpOptions(base_url=gateway.origin, api_version=version, httpx_async_client=http)
        google = genai.Client(api_key=secret, vertexai=False, http_options=options)
        try:
            yield google.aio
        finally:
            google.close()


def config(**more: Any) -> types.GenerateContentConfig:
    no_loop = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=no_loop, **more)


async def whole(
    gateway: InProcess, model: str, contents: Any = "hello", secret: str = SECRET, **more: Any
) -> types.GenerateContentResponse:
    async with client(gateway, secret) as google:
        return await google.models.generate_content(model=model, contents=contents, config=config(**more))


async def streamed(
    gateway: InProcess, model: str, contents: Any = "hello", secret: str = SECRET, **more: Any
) -> list[types.GenerateContentResponse]:
    async with client(gateway, secret) as google:
        stream = await google.models.generate_content_stream(model=model, contents=contents, config=config(**more))
        return [chunk async for chunk in stream]


def content_of(answer: types.GenerateContentResponse) -> types.Content:
    assert answer.candidates
    content = answer.candidates[0].content
    assert content is not None
    return content


def parts_in(chunks: list[types.GenerateContentResponse]) -> list[types.Part]:
    found: list[types.Part] = []
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            found += (candidate.content and candidate.content.parts) or ()
    return found


def text_in(chunks: list[types.GenerateContentResponse]) -> str:
    return "".join(part.text for part in parts_in(chunks) if part.text and not part.thought)


def results_in(body: Mapping[str, Any]) -> list[str]:
    """The texts of all tools' results in a request to a model, in any dialect."""
    return _results(body.get("contents") or body["messages"])


def _results(messages: Any) -> list[str]:
    found: list[str] = []
    for message in messages:
        responses = [part["functionResponse"] for part in message.get("parts", ()) if "functionResponse" in part]
        found += [next(iter(response["response"].values())) for response in responses]
        if message.get("role") == "tool":
            found.append(message["content"])
        elif isinstance(message.get("content"), list):
            found += [block["content"] for block in message["content"] if block["type"] == "tool_result"]
    return found


def signatures_in(body: Mapping[str, Any]) -> list[str]:
    """The proofs of thoughts in a request to Gemini, in their order."""
    parts = (part for content in body["contents"] for part in content["parts"])
    return [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]


def is_asked(upstream: ScriptedUpstream, index: int = -1) -> str:
    return upstream.requests[index].headers[":path"]


def as_json(value: types.Content) -> Any:
    return orjson.loads(value.model_dump_json(exclude_none=True, by_alias=True))
