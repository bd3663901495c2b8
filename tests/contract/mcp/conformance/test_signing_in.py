"""The conformance suite's scenarios of authorization, with the hub and its credentials as the client."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests.support.npm import install_locked

pytestmark = pytest.mark.npm

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
REQUIRED = (
    "authorization-server-migration",
    "basic-cimd",
    "client-credentials-basic",
    "client-credentials-jwt",
    "iss-normalized",
    "iss-not-advertised",
    "iss-supported",
    "iss-supported-missing",
    "iss-unexpected",
    "iss-wrong-issuer",
    "metadata-default",
    "metadata-issuer-mismatch",
    "metadata-var1",
    "metadata-var2",
    "metadata-var3",
    "offline-access-not-supported",
    "offline-access-scope",
    "pre-registration",
    "resource-mismatch",
    "scope-from-scopes-supported",
    "scope-from-www-authenticate",
    "scope-omitted-when-undefined",
    "scope-retry-limit",
    "scope-step-up",
    "token-endpoint-auth-basic",
    "token-endpoint-auth-none",
    "token-endpoint-auth-post",
    "2025-03-26-oauth-metadata-backcompat",
)
NOT_SPOKEN = {
    "2025-03-26-oauth-endpoint-fallback": "without metadata nobody knows whether PKCE is supported",
    "dpop": "an extension: tokens are bearer tokens",
    "dpop-nonce": "an extension: tokens are bearer tokens",
    "enterprise-managed-authorization": "an extension: needs an identity provider's token of each user",
    "wif-jwt-bearer": "an extension: needs a workload's token",
}


def run_scenario(scenario: str, folder: Path) -> subprocess.CompletedProcess[str]:
    installed = install_locked(HERE, "mcp-conformance", free=512 * 1024**2) / "node_modules"
    (node,) = installed.glob("node-linux-*/bin/node")
    program = installed / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    client = shlex.join([sys.executable, str(HERE / "signing_in_client.py")])
    command = [
        str(node),
        str(program),
        "client",
        "--command",
        client,
        "--scenario",
        f"auth/{scenario}",
        "-o",
        "out",
    ]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("scenario", REQUIRED)
async def test_a_scenario_of_authorization_passes(scenario: str, tmp_path: Path):
    done = await anyio.to_thread.run_sync(run_scenario, scenario, tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-4000:]
    assert "OVERALL: PASSED" in told


@pytest.mark.parametrize("scenario", NOT_SPOKEN)
async def test_what_is_not_spoken_fails_and_is_told_here_why(scenario: str, tmp_path: Path):
    done = await anyio.to_thread.run_sync(run_scenario, scenario, tmp_path)
    assert done.returncode != 0, NOT_SPOKEN[scenario]
    assert "OVERALL: FAILED" in done.stdout + done.stderr
