"""Clients of both dialects, streamed and whole: they get the text of an answer, or an exception of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
from anthropic import AsyncAnthropic

from tests.support.gateways import SECRET, InProcess

from .upstream import CHAT, MESSAGES, Form

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
FAULTS = (openai.APIError, anthropic.APIError)
NO_END = (openai.APIConnectionError, anthropic.APIConnectionError)
"""What the SDKs raise where a stream or an answer has no well-formed end."""


@dataclass(frozen=True)
class Client:
    """One way to ask; `own` is the wire format that it speaks, `model` one that begins in it."""

    name: str
    own: Form
    model: str
    is_stream: bool
    ask: Callable[..., Awaitable[str]]


async def _chat(gateway: InProcess, model: str, secret: str = SECRET, **more: Any) -> str:
    async with gateway.client(secret) as client:
        answer = await client.chat.completions.create(model=model, messages=HELLO, **more)
    return answer.choices[0].message.content or ""


async def _chat_stream(gateway: InProcess, model: str, secret: str = SECRET, **more: Any) -> str:
    async with gateway.client(secret) as client:
        stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True, **more)
        chunks = [chunk async for chunk in stream]
    assert [one.choices[0].finish_reason for one in chunks if one.choices and one.choices[0].finish_reason]
    return "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)


def _anthropic(gateway: InProcess, secret: str) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=gateway.origin, api_key=secret, max_retries=0)


async def _messages(gateway: InProcess, model: str, secret: str = SECRET, **more: Any) -> str:
    async with _anthropic(gateway, secret) as client:
        message = await client.messages.create(model=model, max_tokens=100, messages=HELLO, **more)
    return "".join(block.text for block in message.content if block.type == "text")


async def _messages_stream(gateway: InProcess, model: str, secret: str = SECRET, **more: Any) -> str:
    async with _anthropic(gateway, secret) as client:
        asked = client.messages.stream(model=model, max_tokens=100, messages=HELLO, **more)
        async with asked as stream:
            message = await stream.get_final_message()
    assert message.stop_reason is not None
    return "".join(block.text for block in message.content if block.type == "text")


CLIENTS = [
    Client("chat", CHAT, "chat", is_stream=False, ask=_chat),
    Client("chat-stream", CHAT, "chat", is_stream=True, ask=_chat_stream),
    Client("messages", MESSAGES, "messages", is_stream=False, ask=_messages),
    Client("messages-stream", MESSAGES, "messages", is_stream=True, ask=_messages_stream),
]
