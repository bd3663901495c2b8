"""How tests ask: Anthropic's own SDK, streamed and not; and what the models were asked, in either dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anthropic import AsyncAnthropic

from gateway.providers.scripted import Call, ScriptedUpstream
from tests.support.gateways import SECRET, InProcess

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})
ASK_USER: Any = {
    "name": "ask_user",
    "description": "asks",
    "input_schema": {"type": "object", "properties": {"question": {"type": "string"}}},
}


def client(gateway: InProcess, secret: str = SECRET, **more: Any) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=gateway.origin, api_key=secret, **{"max_retries": 0, **more})


def asked(model: str, **request: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 100, "messages": HELLO, **request}


async def whole(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    async with client(gateway, secret) as anthropic:
        return await anthropic.messages.create(**asked(model, **request))


async def streamed(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> list[Any]:
    async with client(gateway, secret) as anthropic:
        stream = await anthropic.messages.create(**asked(model, **request), stream=True)
        return [event async for event in stream]


async def accumulated(gateway: InProcess, model: str, secret: str = SECRET, **request: Any) -> Any:
    """The message that the SDK puts together from a stream."""
    async with (
        client(gateway, secret) as anthropic,
        anthropic.messages.stream(**asked(model, **request)) as stream,
    ):
        return await stream.get_final_message()


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def results_in(body: Mapping[str, Any]) -> list[str]:
    """The texts of all tools' results in a request to a model, in either dialect."""
    found: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            found.append(message["content"])
        elif isinstance(message["content"], list):
            found += [
                _text(block.get("content", "")) for block in message["content"] if block["type"] == "tool_result"
            ]
    return found


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)


def offered(upstream: ScriptedUpstream) -> set[str]:
    tools = upstream.requests[0].body.get("tools", [])
    return {tool["name"] if "name" in tool else tool["function"]["name"] for tool in tools}
