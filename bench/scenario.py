"""What a scenario is: one way to use a server, as data. The modules of `scenarios` have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Scenario:
    """What every server of a comparison is asked, how often, and with how many requests in flight.

    `count` requests at most and `seconds` at most, for each server and repetition. `uses_tools` is for the servers
    that can run a tool loop; `leaving_out` is part of the command lines whose work is not the server's.
    """

    name: str
    title: str
    model: str
    concurrency: int
    count: int
    seconds: float
    unit: Literal["request", "stream", "run"] = "request"
    is_streamed: bool = False
    chunks: int = 0
    uses_tools: bool = False
    leaving_out: str = ""
