"""Fixtures and the rule for tests that need more than Python: skipped loudly, or failed under REQUIRE_ALL=1."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Generator
from functools import cache, wraps
from inspect import iscoroutinefunction
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, settings

# Every run judges the same examples, and none is judged by the clock: a machine may be slow. They are few, because
# the next run would learn nothing new from more. To look for others, and for many of them:
# pytest --hypothesis-profile=search
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=500)
settings.register_profile("steady", settings.get_profile("search"), derandomize=True, max_examples=50)
settings.load_profile("steady")

# Every HTTP client would read the system's trust store when it is made, though nearly all of them talk to this
# machine in plain HTTP. Here they share one, unless a test gives another.
_TRUSTED = ssl.create_default_context()
for _client in (httpx.AsyncClient, httpx.Client, httpx2.AsyncClient, httpx2.Client):
    _client.__init__.__kwdefaults__["verify"] = _TRUSTED

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell runs in the background does not mind SIGINT, nor would any process that a test starts there.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_BEFORE_THE_OTHER = 0.8
"""Of the time limit of a test: when an asynchronous one is cancelled."""

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


def pytest_collection_finish() -> None:
    """All that was imported and collected stays to the end: the collector need not look at it again and again."""
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 50)  # nor, because little else is left, so often at the rest


def pytest_runtest_setup(item: pytest.Item) -> None:
    for need, what in NEEDS.items():
        if item.get_closest_marker(need) and not is_present(need):
            if os.environ.get("REQUIRE_ALL") == "1":
                pytest.fail(f"this machine lacks {what}, and REQUIRE_ALL=1 forbids a skip", pytrace=False)
            pytest.skip(f"needs {what}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that hangs in the event loop is cancelled there: pytest-timeout would leave its task behind, and all
    later tests and fixtures of the loop waiting for it.
    """
    if iscoroutinefunction(pyfuncitem.obj):
        marker, config = pyfuncitem.get_closest_marker("timeout"), pyfuncitem.config
        seconds = float(marker.args[0] if marker else config.getoption("timeout") or config.getini("timeout"))
        pyfuncitem.obj = _within(seconds * _BEFORE_THE_OTHER, pyfuncitem.obj)
    return (yield)


def _within(seconds: float, test: Any) -> Any:
    @wraps(test)
    async def bounded(**given: Any) -> None:
        # asyncio's, not anyio's: fixtures may hold scopes that were entered within the test and outlive it.
        patience = asyncio.timeout(seconds)
        try:
            async with patience:
                await test(**given)
        except TimeoutError:
            if not patience.expired():
                raise
            pytest.fail(f"the test hung: it was cancelled after {seconds:g} s")

    return bounded


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
