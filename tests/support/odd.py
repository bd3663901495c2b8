"""The servers of `odd_servers.py`, one for each way to be wrong, and what is to be told of each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("odd_servers.py")
SECRET = "sk-odd-0123456789abcdef"

DOWN: Mapping[str, str] = {
    "missing": "cannot run toolgate-no-such-program: No such file or directory",
    "crashes": "its process ended: exit code 3",
    "nonsense": "the server's answer holds no result object",
    "unknown-version": "the server speaks MCP '1999-12-31', which this gateway does not",
}
"""What ends at once, and a part of the reason."""
UP = ("fine", "noisy", "broken-tool")
STUCK = ("silent", "garbage", "floods")
"""What never gives an answer: it is given up after the deadline for connecting."""


def odd_server(way: str) -> dict[str, Any]:
    """The entry of a configuration for one of them."""
    if way == "missing":
        return {"command": "toolgate-no-such-program", "sandbox": {"backend": "host"}}
    arguments = ["-S", "-E", str(SCRIPT), way]
    return {
        "command": sys.executable,
        "args": arguments,
        "env": {"API_KEY": SECRET},
        "sandbox": {"backend": "host"},
    }
