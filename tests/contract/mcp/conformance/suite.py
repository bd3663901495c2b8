"""Runs MCP's conformance suite, at the version that is locked beside this file."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.npm import install_locked

HERE = Path(__file__).parent
ROOT = HERE.parents[3]


def run_suite(*arguments: str, folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """One run, which leaves its results in `folder`."""
    installed = install_locked(HERE, "mcp-conformance", free=512 * 1024**2) / "node_modules"
    (node,) = installed.glob("node-linux-*/bin/node")
    program = installed / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    return subprocess.run(
        [str(node), str(program), *arguments, "-o", "out"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def run_client(client: str, scenario: str, *options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One scenario for clients, with a program beside this file as the client."""
    command = shlex.join([sys.executable, str(HERE / client)])
    arguments = ("client", "--command", command, "--scenario", scenario, *options)
    return run_suite(*arguments, folder=folder, seconds=120)
