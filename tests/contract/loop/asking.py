"""How tests ask: the official SDK, streamed and not."""

from __future__ import annotations

from typing import Any

from gateway.providers.scripted import Call
from tests.support.gateways import SECRET, InProcess

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TIME = Call("demo__current_time", {"timezone": "Asia/Tokyo"})
SUM = Call("demo__calculate", {"expression": "6 * 7"})


async def whole(gateway: InProcess, secret: str = SECRET, **request: Any) -> Any:
    async with gateway.client(secret) as client:
        return await client.chat.completions.create(**{"model": "tiny", "messages": HELLO, **request})


async def streamed(gateway: InProcess, secret: str = SECRET, **request: Any) -> list[Any]:
    async with gateway.client(secret) as client:
        stream = await client.chat.completions.create(
            **{"model": "tiny", "messages": HELLO, "stream": True, **request}
        )
        return [chunk async for chunk in stream]


def text_of(chunks: list[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def finish_reasons(chunks: list[Any]) -> list[str]:
    return [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
