"""A model provider that costs next to nothing: `python -m bench.mock_upstream PORT`.

Above: every server that is measured has it as its upstream. Below: asyncio's transports and httptools. It stands
in a process of its own, so that its work is never counted as a server's, and answers from bytes made beforehand.
"""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from itertools import cycle
from typing import Any, cast

import httptools
import orjson
import uvloop

from bench import wire

_text = cache(wire.text_answer)
_pieces = cache(wire.stream_pieces)
_phases = cycle([step * wire.CHUNK_SECONDS / 10 for step in (0, 7, 4, 1, 8, 5, 2, 9, 6, 3)])


class Upstream(asyncio.Protocol):
    """One connection, kept for any number of requests, one at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

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
            # Streams that began together would else be served together, which is cheaper than life.
            self._later(next(_phases), pieces, 0)
            return
        for piece in pieces:
            self._transport.write(piece)
        self._transport.write(wire.STREAM_END)

    def _pace(self, pieces: list[bytes], sent: int) -> None:
        if sent == len(pieces):
            self._transport.write(wire.STREAM_END)
            return
        self._transport.write(pieces[sent])
        self._later(wire.CHUNK_SECONDS, pieces, sent + 1)

    def _later(self, seconds: float, pieces: list[bytes], sent: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._pace, pieces, sent)


async def serve_upstream(port: int) -> asyncio.Server:
    """Listen on loopback; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(Upstream, "127.0.0.1", port, backlog=1024)


async def _main(port: int) -> None:
    server = await serve_upstream(port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
