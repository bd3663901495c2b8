"""The conformance suite of MCP, through the gateway: whatever it requires of a server holds of ours.

A server with all that the suite looks for stands behind the gateway; clients reach it at `/mcp/{server}`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.gateways import SECRET, InProcess, gateway_in_process

from .suite import HERE, run_suite

pytestmark = pytest.mark.npm

DOCUMENT = {
    "mcpServers": {
        "everything": {
            "command": sys.executable,
            "args": [str(HERE / "everything.py")],
            "sandbox": {"backend": "host"},
        }
    },
    "keys": {"suite": {"secret": SECRET, "policies": ["all"]}},
}
REQUIRED = {"2026-07-28": 37, "2025-11-25": 30}
"""Scenarios that pass, by the version that requires them: all of them."""


def with_key(app: ASGIApp) -> ASGIApp:
    """The suite knows no keys, so it is given one."""

    async def send_on(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            key = (b"authorization", f"Bearer {SECRET}".encode())
            scope = {**scope, "headers": [*scope["headers"], key]}
        await app(scope, receive, send)

    return send_on


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def suite_gateway() -> AsyncGenerator[InProcess]:
    policies = {"all": {"allow": ["everything/*"]}}
    with tempfile.TemporaryDirectory(prefix="toolgate-test-") as folder:
        async with gateway_in_process(Path(folder), DOCUMENT, policies, in_front=with_key) as gateway:
            yield gateway


def run_requirements(origin: str, version: str, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ("--requirements", version)
    return run_suite("server", "--url", f"{origin}/mcp/everything", *options, folder=folder, seconds=150)


@pytest.mark.parametrize("version", REQUIRED)
async def test_what_a_version_requires_of_a_server_holds(suite_gateway: InProcess, version: str, tmp_path: Path):
    done = await anyio.to_thread.run_sync(run_requirements, suite_gateway.origin, version, tmp_path)
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    assert done.returncode == 0, summary + done.stderr
    passed = [line for line in summary.partition("Total:")[0].splitlines() if line.startswith("\u2713")]
    assert len(passed) >= REQUIRED[version], summary
