"""A provider of every dialect: `python -m bench.translation.mock_models PORT`.

The first step of the path names the dialect; whether to stream stands in the body or the path, as each has it.
Answers are bytes made beforehand, in a process of their own.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import httptools
import orjson
import uvloop

from bench.translation.wire import streamed_answer, whole_answer


class Models(asyncio.Protocol):
    """One connection, kept for any number of requests, one at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
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
        self._path = b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path = self._path.decode("latin-1").lower()
        body = b"".join(self._body)
        asked: dict[str, Any] = orjson.loads(body) if body else {}
        dialect = path.split("/")[1]
        is_streamed = asked.get("stream") is True or "stream" in path.partition("/models")[2] or "-stream" in path
        self._transport.write(streamed_answer(dialect) if is_streamed else whole_answer(dialect))


async def _main(port: int) -> None:
    loop = asyncio.get_running_loop()
    async with await loop.create_server(Models, "127.0.0.1", port, backlog=1024) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
