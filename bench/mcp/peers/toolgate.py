"""toolgate, with policy, audit trail and metrics on, as they always are: its `/mcp`, and its loop."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from bench import wire
from bench.mcp.calls import RESULT, modern_call
from bench.mcp.hub import STDIO_SERVER, Hub, Place, Started
from bench.servers import PATH, Launch

_KEY = "looper-secret-0123456789"
_POLICIES = {"version": 1, "policies": {"all": {"allow": ["demo/*"]}}}


def launch(place: Place) -> Launch:
    """Write gateway.yaml and policies.yaml (JSON is YAML), and serve them."""
    (place.folder / "policies.yaml").write_bytes(orjson.dumps(_POLICIES))
    (place.folder / "gateway.yaml").write_bytes(orjson.dumps(_config(place)))
    config = str(place.folder / "gateway.yaml")
    return Launch((sys.executable, "-m", "gateway.cli", "serve", "--config", config, "--log-level", "error"))


def _config(place: Place) -> dict[str, Any]:
    return {
        "version": 1,
        "listen": {"host": "127.0.0.1", "port": place.port},
        "providers": {"mock": {"dialect": "openai_chat", "base_url": f"http://127.0.0.1:{place.upstream}/v1"}},
        "models": {wire.TOOLS: [{"provider": "mock", "model": wire.TOOLS}]},
        "keys": {"looper": {"secret": _KEY, "tools": "auto", "policies": ["all"]}},
        "policy_files": ["policies.yaml"],
        "mcpServers": {"demo": _server(place)},
        "storage": {"state_dir": str(place.folder / "state")},
        "limits": {"requests_in_flight": 4096},
    }


def _server(place: Place) -> dict[str, Any]:
    if place.way == "http":
        return {"url": f"http://127.0.0.1:{place.tool_server}/mcp"}
    # On the host, so that the figure is the gateway's and not the sandbox's.
    return {"command": "python", "args": ["-m", STDIO_SERVER], "sandbox": {"backend": "host"}}


def prepare(place: Place) -> Started:
    """A call at `/mcp`, and a whole run of the loop: two rounds of the model and one call between them."""
    requests = {
        "/mcp": modern_call("/mcp", "demo__calculate", _KEY),
        "loop": wire.request(PATH, wire.TOOLS, key=_KEY),
    }
    return Started(requests, {"/mcp": RESULT, "loop": wire.MARKER.encode()})


HUB = Hub("toolgate", ("stdio", "http"), launch, prepare)
