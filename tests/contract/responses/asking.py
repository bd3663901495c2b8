"""How tests ask: OpenAI's own SDK, streamed and not; and what the models were asked, in any dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from gateway.providers.scripted import Call, ScriptedUpstream
from tests.support.gateways import SECRET, InProcess

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASK_USER: Any = {
    "type": "function",
    "name": "ask_user",
    "description": "asks",
    "parameters": {"type": "object", "properties": {"question": {"type": "string"}}},
    "strict": False,
}
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def asked(model: str, **request: Any) -> dict[str, Any]:
    return {"model": model, "input": HELLO, "store": False, **request}


async def whole(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Response:
    async with gateway.client(secret) as openai:
        answer = await openai.responses.create(**asked(model, **request))
    return Response.model_validate(answer.to_dict())


async def streamed(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> list[Any]:
    """The events, each of which is what the SDK's types say to the letter."""
    async with gateway.client(secret) as openai:
        stream = await openai.responses.create(**asked(model, **request), stream=True)
        return [_EVENT.validate_python(event.to_dict()) async for event in stream]


async def accumulated(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    """The response that the SDK puts together from a stream."""
    async with (
        gateway.client(secret) as openai,
        openai.responses.stream(**asked(model, **request)) as stream,
    ):
        return await stream.get_final_response()


def said(answer: Any) -> list[Any]:
    """The items of an answer, as a client sends them back."""
    return [item.to_dict() for item in answer.output]


def without_made_up_ids(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without the ids that are others each time."""
    return {name: value for name, value in item.items() if name not in ("id", "call_id")}


def results_in(body: Mapping[str, Any]) -> list[str]:
    """The texts of all tools' results in a request to a model, in any dialect."""
    if "input" in body:
        return [_text(item["output"]) for item in body["input"] if str(item.get("type")).endswith("_output")]
    found: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            found.append(message["content"])
        elif isinstance(message["content"], list):
            blocks = [block for block in message["content"] if block["type"] == "tool_result"]
            found += [_text(block.get("content", "")) for block in blocks]
    return found


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)


def offered(upstream: ScriptedUpstream) -> set[str]:
    tools = upstream.requests[0].body.get("tools", [])
    return {tool["name"] if "name" in tool else tool["function"]["name"] for tool in tools}
