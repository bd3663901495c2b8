"""Clients that go on with a conversation as their SDKs do: by sending back what they were given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import orjson
from anthropic import AsyncAnthropic

from gateway.providers.scripted import ScriptedUpstream
from gateway.providers.scripted.script import RecordedRequest
from tests.support.gateways import SECRET, InProcess

SISTER = "sister-secret-0123456789"
PLAIN = "plain-secret-0123456789"
FORGETFUL = "forgetful-secret-0123456789"


class Client(ABC):
    """A conversation, in one SDK. `history` is what the client has of it."""

    def __init__(self, gateway: InProcess, model: str, *, stream: bool, secret: str = SECRET, **more: Any) -> None:
        self.gateway = gateway
        self.model = model
        self.stream = stream
        self.secret = secret
        self.more = more
        self.history: list[Any] = []

    async def say(self, text: str) -> str:
        """One turn, to its end."""
        self.history.append({"role": "user", "content": text})
        return await self.go_on()

    @abstractmethod
    async def go_on(self) -> str:
        """Send the history, and take the answer into it."""

    @abstractmethod
    def text(self) -> str:
        """The last answer."""

    @abstractmethod
    def calls(self) -> list[Any]:
        """The calls of the last answer, which `answer` takes."""

    @abstractmethod
    def give(self, call: Any, result: str) -> None:
        """The result of a call."""

    @property
    @abstractmethod
    def tool(self) -> Any:
        """A tool of the client's own, `ask_user`."""


class ChatClient(Client):
    """OpenAI's SDK."""

    async def go_on(self) -> str:
        async with self.gateway.client(self.secret) as openai:
            asked: dict[str, Any] = {"model": self.model, "messages": self.history, **self.more}
            if self.stream:
                async with openai.chat.completions.stream(**asked) as stream:
                    answer: Any = await stream.get_final_completion()
            else:
                answer = await openai.chat.completions.create(**asked)
        said = answer.choices[0].message
        kept: dict[str, Any] = {"role": "assistant", "content": said.content}
        if said.tool_calls:
            kept["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": call.function.arguments},
                }
                for call in said.tool_calls
            ]
        self.history.append(kept)
        return self.text()

    def text(self) -> str:
        return self.history[-1]["content"] or ""

    def calls(self) -> list[Any]:
        return self.history[-1].get("tool_calls", [])

    def give(self, call: Any, result: str) -> None:
        self.history.append({"role": "tool", "tool_call_id": call["id"], "content": result})

    @property
    def tool(self) -> Any:
        function = {"name": "ask_user", "description": "asks", "parameters": {"type": "object"}}
        return {"type": "function", "function": function}


class MessagesClient(Client):
    """Anthropic's SDK."""

    async def go_on(self) -> str:
        async with AsyncAnthropic(base_url=self.gateway.origin, api_key=self.secret, max_retries=0) as anthropic:
            asked: dict[str, Any] = {
                "model": self.model,
                "max_tokens": 100,
                "messages": self.history,
                **self.more,
            }
            if self.stream:
                async with anthropic.messages.stream(**asked) as stream:
                    answer: Any = await stream.get_final_message()
            else:
                answer = await anthropic.messages.create(**asked)
        content = [block.model_dump(exclude_none=True) for block in answer.content]
        self.history.append({"role": "assistant", "content": content})
        return self.text()

    def text(self) -> str:
        return "".join(block["text"] for block in self.history[-1]["content"] if block["type"] == "text")

    def calls(self) -> list[Any]:
        return [block for block in self.history[-1]["content"] if block["type"] == "tool_use"]

    def give(self, call: Any, result: str) -> None:
        block = {"type": "tool_result", "tool_use_id": call["id"], "content": result}
        self.history.append({"role": "user", "content": [block]})

    @property
    def tool(self) -> Any:
        return {"name": "ask_user", "description": "asks", "input_schema": {"type": "object"}}


def messages_sent(seen: RecordedRequest) -> bytes:
    """The messages of a request to a model, as they stood in its body, without the bracket behind the last one."""
    written = orjson.dumps(seen.body["messages"])[:-1]
    assert written in seen.raw
    return written


def begins_like(upstream: ScriptedUpstream, later: int, earlier: int) -> bool:
    """Whether one request to a model begins with all the messages of another one, byte for byte."""
    return messages_sent(upstream.requests[later]).startswith(messages_sent(upstream.requests[earlier]))


def calls_in(seen: RecordedRequest) -> list[str]:
    """The names of the tools that were called in the history that a model was sent."""
    names: list[str] = []
    for message in seen.body["messages"]:
        names += [call["function"]["name"] for call in message.get("tool_calls") or ()]
        if isinstance(message["content"], list):
            names += [block["name"] for block in message["content"] if block["type"] == "tool_use"]
    return names
