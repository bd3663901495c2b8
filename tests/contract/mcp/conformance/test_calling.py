"""The conformance suite's scenarios for clients, but those of authorization, with the hub as the client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import pytest

from .suite import run_client

pytestmark = pytest.mark.npm

REQUIRED = (
    ("2025-11-25", "initialize"),
    ("2025-11-25", "tools_call"),
    ("2025-11-25", "sse-retry"),
    ("2025-11-25", "json-schema-2020-12-preservation"),
    ("2026-07-28", "tools_call"),
    ("2026-07-28", "request-metadata"),
    ("2026-07-28", "sep-2322-client-request-state"),
    ("2026-07-28", "http-standard-headers"),
    ("2026-07-28", "http-custom-headers"),
    ("2026-07-28", "http-invalid-tool-headers"),
    ("2026-07-28", "json-schema-ref-no-deref"),
    ("2026-07-28", "json-schema-2020-12-preservation"),
)
NOT_SPOKEN = {
    ("2025-11-25", "elicitation-sep1034-client-defaults"): "older servers can ask the hub for nothing",
}


def run_scenario(version: str, scenario: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return run_client("calling_client.py", scenario, "--spec-version", version, folder=folder)


@pytest.mark.parametrize(("version", "scenario"), REQUIRED)
async def test_a_scenario_for_clients_passes(version: str, scenario: str, tmp_path: Path):
    done = await anyio.to_thread.run_sync(run_scenario, version, scenario, tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-4000:]
    assert "OVERALL: PASSED" in told


@pytest.mark.parametrize(("version", "scenario"), NOT_SPOKEN)
async def test_what_a_client_does_not_do_fails_and_is_told_here_why(version: str, scenario: str, tmp_path: Path):
    done = await anyio.to_thread.run_sync(run_scenario, version, scenario, tmp_path)
    assert done.returncode != 0, NOT_SPOKEN[version, scenario]
    assert "OVERALL: FAILED" in done.stdout + done.stderr
