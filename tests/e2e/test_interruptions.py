"""Commands that wait can be interrupted, and leave nothing that runs on."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml

from tests.e2e.commands import session_of, toolgate

SLOW = {"command": "python", "args": ["-c", "import sys; sys.stdin.read()"], "sandbox": {"backend": "host"}}
DOCUMENT = {
    "version": 1,
    "listen": {"port": 0},
    "mcpServers": {"slow": SLOW},
    "keys": {"agent": {"secret": "agent-secret-0123456789"}},
    "storage": {"state_dir": "state", "cache_dir": "cache"},
}


@pytest.mark.parametrize(
    ("number", "in_background"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGTERM, True)]
)
@pytest.mark.parametrize("command", ["doctor", "servers"])
async def test_a_command_that_waits_ends_at_once_without_a_traceback(
    command: str, number: signal.Signals, in_background: bool, folder: Path
):
    (folder / "gateway.yaml").write_text(yaml.safe_dump(DOCUMENT))
    async with toolgate(command, cwd=folder, in_background=in_background) as running:
        await running.until(lambda it: "  slow: starting" in it.err)
        assert await running.end(number) == 130
    assert "Traceback" not in running.err
    assert session_of(running.process.pid) == []
