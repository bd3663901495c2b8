"""Opens TCP connections to a host with several addresses, the quickest first (RFC 8305, "Happy Eyeballs")."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

import anyio

from gateway.providers.http import NotConnected

_STAGGER = 0.25  # seconds that one address has before the next is tried beside it

Address = tuple[Any, ...]


async def open_socket(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket. Raises NotConnected. The deadline is the caller's."""
    race = _Race()
    addresses = await _resolve(host, port)
    try:
        async with anyio.create_task_group() as attempts:
            for family, address in addresses:
                failed = anyio.Event()
                attempts.start_soon(race.attempt, family, address, failed, attempts.cancel_scope)
                with anyio.move_on_after(_STAGGER):
                    await failed.wait()
    except BaseException:  # cancelled from outside, perhaps just after an attempt won
        if race.winner is not None:
            race.winner.close()
        raise
    if race.winner is None:
        raise NotConnected(f"no connection could be made: {race.reason}")
    return race.winner


async def _resolve(host: str, port: int) -> Sequence[tuple[int, Address]]:
    """Addresses in the system's order, but the two families in turn."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise NotConnected(f"its host name cannot be resolved: {reason}") from error
    addresses = [(int(family), tuple(address)) for family, _, _, _, address in found]
    first = [entry for entry in addresses if entry[0] == addresses[0][0]]
    second = [entry for entry in addresses if entry[0] != addresses[0][0]]
    return [entry for entry in chain.from_iterable(zip_longest(first, second)) if entry is not None]


class _Race:
    """The first attempt to succeed keeps its socket, and the others are cancelled."""

    def __init__(self) -> None:
        self.winner: socket.socket | None = None
        self.reason = "no address"

    async def attempt(self, family: int, address: Address, failed: anyio.Event, others: anyio.CancelScope) -> None:
        candidate = socket.socket(family, socket.SOCK_STREAM)
        try:
            candidate.setblocking(False)
            await asyncio.get_running_loop().sock_connect(candidate, address)
        except OSError as error:
            # asyncio's own words add the address, in Python's words.
            words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            self.reason = words or type(error).__name__
            failed.set()
        else:
            if self.winner is None:
                self.winner = candidate
            others.cancel()
        finally:
            if self.winner is not candidate:
                candidate.close()
