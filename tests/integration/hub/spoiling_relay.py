"""A relay between the hub and a server over HTTP that answers in the server's place, or spoils its answers."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import anyio

from tests.unit.hub.raw_http import Exchange, RawServer, listening

_PASSED_ON = ("Mcp-Session-Id", "Mcp-Protocol-Version")
_MOST = {"endless body": 3, "endless stream": 5}
"""How often what is costly is done."""
_STOLEN = {"content": [{"type": "text", "text": "the answer to somebody else's call"}]}
_NOISE = (
    b"data: {not json\n\n",
    b"data: \xf0\x9f\x92\n\n",  # a character that is cut off
    b"data\n\nevent: nonsense\ndata: 1\n\n",
    b": a comment\n\n",
    b'data: [1, null, {"jsonrpc": "2.0"}]\n\n',
    b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":null}}\n\n',
)


@dataclass(frozen=True)
class Answer:
    """What the server answered, whole."""

    status: int
    kind: str
    headers: dict[str, str]
    body: bytes

    @property
    def is_stream(self) -> bool:
        return self.kind == "text/event-stream"


class Spoiler(RawServer):
    """`faults` names those to choose from; while there are none everything passes. `done` counts what was done."""

    def __init__(self, target: int, client: aiohttp.ClientSession, seed: int) -> None:
        super().__init__({})
        self._origin = f"http://127.0.0.1:{target}"
        self._client = client
        self._dice = random.Random(seed)
        self.faults: Sequence[str] = ()
        self.done: Counter[str] = Counter()
        self._deck: list[str] = []

    async def answer(self, exchange: Exchange) -> None:
        try:
            await self._answer(exchange)
        except aiohttp.ClientError:  # the server has broken off, and so does this
            await exchange.stream.aclose()

    async def _answer(self, exchange: Exchange) -> None:
        fault = self._choose()
        if fault in INSTEAD:
            self.done[fault] += 1
            await INSTEAD[fault](exchange)
        elif exchange.method == "GET" or exchange.message.get("method") == "subscriptions/listen":
            await self._stream(exchange)
        else:
            answer = await self._ask(exchange)
            self.done[fault] += fault != "none"
            await AFTERWARDS[fault](exchange, answer, self._dice)

    def _choose(self) -> str:
        # Half of what passes is as it should be, so that every fault has neighbours; none is left out for long.
        if not self._deck:
            self._deck = [*self.faults, *("none" for _ in self.faults or "-")]
            self._dice.shuffle(self._deck)
        fault = self._deck.pop() if self.faults else "none"
        return fault if self.done[fault] < _MOST.get(fault, math.inf) else "none"

    def _forward(self, exchange: Exchange):
        headers = {
            name: value for name, value in exchange.headers.items() if name not in ("host", "content-length")
        }
        return self._client.request(
            exchange.method, self._origin + exchange.path, data=exchange.body, headers=headers
        )

    async def _ask(self, exchange: Exchange) -> Answer:
        async with self._forward(exchange) as response:
            headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
            return Answer(response.status, response.content_type, headers, await response.read())

    async def _stream(self, exchange: Exchange) -> None:
        """Pass a stream on as it comes; on it events are doubled, torn, and have noise between them."""
        async with self._forward(exchange) as response:
            await exchange.send(_head(response.status, response.content_type, "Transfer-Encoding: chunked"))
            async for data in response.content.iter_any():
                for piece in self._spoiled(data):
                    await exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await exchange.send(b"0\r\n\r\n")

    def _spoiled(self, data: bytes) -> list[bytes]:
        way = self._dice.choice(("none", "again", "noise", "torn")) if self.faults else "none"
        is_whole = data.endswith((b"\n\n", b"\r\n\r\n"))
        if way == "torn":
            return _torn(data)
        if way == "again" and is_whole:
            return [data, data]
        return [data, self._dice.choice(_NOISE)] if way == "noise" and is_whole else [data]


def _head(status: int | str, kind: str, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Type: {kind}", *lines, "", ""]).encode()


def _torn(data: bytes) -> list[bytes]:
    """In pieces that end within characters and line ends."""
    middle = next((at for at, byte in enumerate(data) if byte > 0x7F), len(data) // 2) + 1
    return [piece for piece in (data[:middle], data[middle:-1], data[-1:]) if piece]


def _refusing(status: str, body: bytes = b"<html>no</html>", kind: str = "text/html", **headers: str):
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(status, body, kind=kind, headers=headers)

    return refuse


async def _circle(exchange: Exchange) -> None:
    await exchange.reply("307 Temporary Redirect", b"", headers={"Location": exchange.path})


async def _endless_body(exchange: Exchange) -> None:
    await exchange.send(_head("200 OK", "application/json", "Transfer-Encoding: chunked"))
    while True:
        await exchange.send(b"40000\r\n" + b" " * 0x40000 + b"\r\n")


async def _endless_stream(exchange: Exchange) -> None:
    await exchange.begin_events()
    while True:
        await exchange.event('{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"..."}}')
        await anyio.sleep(0.01)


INSTEAD: dict[str, Callable[[Exchange], Awaitable[None]]] = {
    "busy": _refusing("429 Too Many Requests", b'{"error": "slow down"}', **{"Retry-After": "7"}),
    "failing": _refusing("500 Internal Server Error"),
    "behind a proxy": _refusing("502 Bad Gateway"),
    "away": _refusing("503 Service Unavailable", b"", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    "forgetful": _refusing("404 Not Found", b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"?"}}'),
    "moved": _refusing("302 Found", Location="http://127.0.0.1:1/"),
    "circle": _circle,
    "endless body": _endless_body,
    "endless stream": _endless_stream,
}
"""What the relay answers without asking the server."""


async def _whole(exchange: Exchange, answer: Answer, body: bytes, *, length: int | None = None) -> None:
    headers = [f"{name}: {value}" for name, value in answer.headers.items()]
    size = f"Content-Length: {len(body) if length is None else length}"
    await exchange.send(_head(f"{answer.status} Status", answer.kind, size, *headers) + body)


async def _as_it_is(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    await _whole(exchange, answer, answer.body)


async def _twice(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    again = answer.body if answer.is_stream else b"[%b,%b]" % (answer.body, answer.body)
    await _whole(exchange, answer, answer.body + again if answer.is_stream else again if answer.body else b"")


async def _with_anothers(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """Answers to other calls, such as are under way, and then the right one."""
    number = exchange.message.get("id") or 0
    others = [number - 1, number + 1, str(number + 2), None, 99999]
    said = [json.dumps({"jsonrpc": "2.0", "id": other, "result": _STOLEN}).encode() for other in others]
    if answer.is_stream:
        await _whole(exchange, answer, b"".join(b"data: %b\n\n" % one for one in said) + answer.body)
    elif answer.body:
        await _whole(exchange, answer, b"[%b]" % b",".join([*said, answer.body]))
    else:
        await _as_it_is(exchange, answer, dice)


async def _anothers(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """An answer to another call, and no other."""
    number = exchange.message.get("id") or 0
    said = json.dumps({"jsonrpc": "2.0", "id": number + dice.choice((-1, 1)), "result": _STOLEN}).encode()
    await _whole(exchange, answer, b"data: %b\n\n" % said if answer.is_stream else said)


async def _in_pieces(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    headers = [f"{name}: {value}" for name, value in answer.headers.items()]
    await exchange.send(_head(f"{answer.status} Status", answer.kind, "Transfer-Encoding: chunked", *headers))
    for piece in _torn(answer.body):
        await exchange.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await anyio.sleep(dice.random() * 0.005)
    await exchange.send(b"0\r\n\r\n")


async def _too_long(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """Less than was promised, and the end of the connection."""
    await _whole(exchange, answer, answer.body, length=len(answer.body) + 50)
    await exchange.stream.aclose()


async def _too_short(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """More than was promised: what is over would be the beginning of the next answer."""
    await _whole(exchange, answer, answer.body, length=len(answer.body) // 2)


async def _two(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """A whole answer that nobody asked for, right behind the one that was asked for."""
    await _as_it_is(exchange, answer, dice)
    await _as_it_is(exchange, answer, dice)


async def _half_a_character(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    at = next((at for at, byte in enumerate(answer.body) if byte > 0x7F), len(answer.body) // 2)
    await _whole(exchange, answer, answer.body[: at + 1])


async def _without_end(exchange: Exchange, answer: Answer, dice: random.Random) -> None:
    """A stream that goes on after the answer."""
    if not answer.is_stream:
        await _as_it_is(exchange, answer, dice)
        return
    await exchange.begin_events()
    await exchange.send(b"%x\r\n%b\r\n" % (len(answer.body), answer.body))
    while True:
        await exchange.send(b"3\r\n:\n\n\r\n")
        await anyio.sleep(0.01)


AFTERWARDS: dict[str, Callable[[Exchange, Answer, random.Random], Awaitable[None]]] = {
    "none": _as_it_is,
    "twice": _twice,
    "with another's": _with_anothers,
    "another's": _anothers,
    "in pieces": _in_pieces,
    "too long": _too_long,
    "too short": _too_short,
    "two": _two,
    "half a character": _half_a_character,
    "without end": _without_end,
}
"""What the relay makes of the server's answer."""

HARMLESS = ("twice", "with another's", "in pieces", "without end")
HARMFUL = tuple(fault for fault in (*INSTEAD, *AFTERWARDS) if fault not in (*HARMLESS, "none"))


@asynccontextmanager
async def spoiled(port: int, *, seed: int) -> AsyncGenerator[Spoiler]:
    """A relay in front of the server at this port."""
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        spoiler = Spoiler(port, client, seed)
        async with listening(spoiler):
            yield spoiler
