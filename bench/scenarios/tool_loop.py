"""Two rounds of a model with one call to a tool between them: what no proxy does.

The tool server is a process of its own over stdio; its work is left out, so the figure is the gateway's share.
"""

from __future__ import annotations

from bench import wire
from bench.peers.toolgate import TOOL_SERVER
from bench.scenario import Scenario

SCENARIOS = tuple(
    Scenario(
        f"tools-c{concurrency}",
        f"two rounds and one stdio tool, {concurrency} in flight",
        wire.TOOLS,
        concurrency=concurrency,
        count=1500,
        seconds=6,
        unit="run",
        uses_tools=True,
        leaving_out=TOOL_SERVER,
    )
    for concurrency in (1, 32)
)
