"""Fixtures and the rule for tests that need more than Python: skipped loudly, or failed under REQUIRE_ALL=1."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache

import pytest
from hypothesis import HealthCheck, settings

# Every run judges the same examples, and none is judged by the clock: a machine may be slow. To look for others:
# pytest --hypothesis-profile=search
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", settings.get_profile("search"), derandomize=True)
settings.load_profile("steady")

NEEDS = {
    "docker": "a Docker engine (`docker info` must answer)",
    "bubblewrap": "bubblewrap (`bwrap`)",
    "npm": "node and npm",
    "pypi": "pip, beside the Python that runs the tests",
}


@cache
def is_present(need: str) -> bool:
    if need == "docker":
        docker = shutil.which("docker")
        return (
            bool(docker)
            and subprocess.run([docker, "info"], capture_output=True, timeout=30, check=False).returncode == 0
        )
    if need == "bubblewrap":
        return shutil.which("bwrap") is not None
    if need == "npm":
        return shutil.which("npm") is not None and shutil.which("node") is not None
    return importlib.util.find_spec("pip") is not None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need, what in NEEDS.items():
        if item.get_closest_marker(need) and not is_present(need):
            if os.environ.get("REQUIRE_ALL") == "1":
                pytest.fail(f"this machine lacks {what}, and REQUIRE_ALL=1 forbids a skip", pytrace=False)
            pytest.skip(f"needs {what}")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
