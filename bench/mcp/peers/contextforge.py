"""IBM's ContextForge, one worker, with SQLite, its own tokens and without its pages.

It is installed into an environment of its own, in the user's cache folder. It reaches a tool server over HTTP only
(a stdio server needs its bridge, a process more), and offers tools as `SERVER-TOOL`. Its limits on rates are off.
"""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from bench.environments import program_of
from bench.load import LoadFailed
from bench.mcp.calls import RESULT, sessionless_call
from bench.mcp.hub import Hub, Place, Started
from bench.servers import Launch

VERSION = "1.0.7.post20260921"

_ADMIN = "admin@example.com"
_SECRET = "bench-secret-0123456789-bench-secret-0123456789"
_PATIENCE = 30.0  # seconds for one request of the set-up


def _program() -> Path:
    return program_of("mcp-contextforge-gateway", VERSION, "mcpgateway")


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": "",
        "DATABASE_URL": f"sqlite:///{folder / 'contextforge.db'}",
        "JWT_SECRET_KEY": _SECRET,
        "AUTH_ENCRYPTION_SECRET": _SECRET[::-1],
        "PLATFORM_ADMIN_EMAIL": _ADMIN,
        "PLATFORM_ADMIN_PASSWORD": "Bench-Secret-0123",
        "BASIC_AUTH_PASSWORD": "Bench-Secret-4567",
        "MCPGATEWAY_UI_ENABLED": "false",
        "PLUGINS_ENABLED": "false",
        "SSRF_ALLOW_LOCALHOST": "true",
        "SSRF_ALLOW_PRIVATE_NETWORKS": "true",
        "RATE_LIMITING_ENABLED": "false",
        "TOOL_RATE_LIMIT": "100000000",
        "LOG_LEVEL": "ERROR",
    }


def launch(place: Place) -> Launch:
    """Start it under uvicorn, which is what its program does. Raises PeerMissing."""
    command = (str(_program()), "mcpgateway.main:app", "--host", "127.0.0.1", "--port", str(place.port))
    return Launch(command, _environment(place.folder))


def prepare(place: Place) -> Started:
    """Register the tool server through its API. Raises LoadFailed when it does not answer as it should."""
    token = _token(place)
    server = {
        "name": "demo",
        "url": f"http://127.0.0.1:{place.tool_server}/mcp",
        "transport": "STREAMABLEHTTP",
    }
    _post(f"http://127.0.0.1:{place.port}/gateways", token, server)
    return Started({"/mcp": sessionless_call("/mcp/", "demo-calculate", token)}, {"/mcp": RESULT})


def _token(place: Place) -> str:
    maker = ("-m", "mcpgateway.utils.create_jwt_token", "--username", _ADMIN, "--exp", "600", "--admin")
    made = subprocess.run(
        (str(_program().with_name("python")), *maker, "--secret", _SECRET),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        cwd=place.folder,
        env=_environment(place.folder),
    )
    if made.returncode:
        raise LoadFailed(f"no token: {made.stderr.strip()[-200:]}")
    return made.stdout.strip()


def _post(url: str, token: str, body: dict[str, str]) -> None:
    """Once it is there, it stays: that it is known already is no fault."""
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), head, method="POST")
    try:
        urllib.request.urlopen(request, timeout=_PATIENCE).close()
    except urllib.error.HTTPError as error:
        if error.code != 409:
            raise LoadFailed(f"status {error.code}: {error.read(200).decode(errors='replace')}") from None
    except OSError as error:
        raise LoadFailed(str(error)) from None


HUB = Hub("ContextForge", ("http",), launch, prepare)
