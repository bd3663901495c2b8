"""The conformance suite's scenarios of authorization, with the hub and its credentials as the client."""

from __future__ import annotations

import subprocess
from pathlib import Path

import anyio
import pytest

from .suite import run_client

pytestmark = pytest.mark.npm

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
    return run_client("signing_in_client.py", f"auth/{scenario}", folder=folder)


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
