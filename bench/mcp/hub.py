"""What a hub is to this bench, and where it finds the tool server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.servers import Launch

Way = Literal["stdio", "http"]
"""How a hub reaches the tool server."""

STDIO_SERVER = "mcp_servers.demo"
"""In the command line of the tool server that a hub starts itself: that work is not the hub's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hub is to be: its own folder and port; where the tool server is, and the model's upstream."""

    folder: Path
    port: int
    way: Way
    tool_server: int
    upstream: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """A hub that can be asked: one whole HTTP request for each surface by name, and what a right answer holds."""

    requests: dict[str, bytes]
    marks: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that can be measured.

    `launch` writes its configuration and says how to start it. `prepare` is called once its port is open, and
    again until it does not raise LoadFailed; it blocks, and may set the hub up through its API.
    """

    name: str
    ways: tuple[Way, ...]
    launch: Callable[[Place], Launch]
    prepare: Callable[[Place], Started]
