"""A model provider that costs next to nothing: `python -m bench.mock_upstream PORT`.

Above: every server that is measured has it as its upstream. Below: asyncio's transports and httptools. It stands
in a process of its own, so that its work is never counted as a server's, and answers from bytes made beforehand.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, cast

import httptools
import orjson
import uvloop

from bench import wire
from bench.pacing import Turn, Wheel

_text = cache(wire.text_answer)
_pieces = cache(wire.stream_pieces)


class Upstream(asyncio.Protocol):
    """One connection, kept for any number of requests, one at a time."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._body.clear()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        asked: dict[str, Any] = orjson.loads(body) if body else {}
        model = asked.get("model", wire.CHAT)
        if asked.get("stream"):
            with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            self._stream(_pieces(model, with_usage=with_usage), is_paced=model == wire.PACED)
        elif model == wire.TOOLS:
            self._transport.write(wire.tool_answer(asked))
        else:
            self._transport.write(_text(model))

    def _stream(self, pieces: list[bytes], *, is_paced: bool) -> None:
        self._transport.write(wire.STREAM_HEAD)
        if is_paced:
            self._wheel.add(self._turns(pieces))
            return
        for piece in pieces:
            self._transport.write(piece)
        self._transport.write(wire.STREAM_END)

    def _turns(self, pieces: list[bytes]) -> Turn:
        rest = iter(pieces)

        def turn() -> bool:
            piece = next(rest, wire.STREAM_END)
            if not self._transport.is_closing():
                self._transport.write(piece)
            return piece is not wire.STREAM_END and not self._transport.is_closing()

        return turn


@asynccontextmanager
async def serving_upstream(port: int) -> AsyncGenerator[asyncio.Server]:
    """Listen on loopback; port 0 takes a free one."""
    wheel = Wheel()
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(lambda: Upstream(wheel), "127.0.0.1", port, backlog=1024)
        async with server:
            yield server
    finally:
        wheel.close()


async def _main(port: int) -> None:
    async with serving_upstream(port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
