"""toolgate itself, as `toolgate serve` with key check, audit trail and metrics on, as they always are."""

from __future__ import annotations

import sys
from typing import Any

import orjson

from bench import wire
from bench.servers import Launch, Peer, Place

TOOL_SERVER = "mcp_servers.demo"
"""In the command line of the tool server, whose work is not the gateway's."""

_KEY = "bench-secret-0123456789"
_TOOL_KEY = "looper-secret-0123456789"
_POLICIES = {"version": 1, "policies": {"all": {"allow": ["demo/*"]}}}


def launch(place: Place) -> Launch:
    """Write gateway.yaml and policies.yaml (JSON is YAML), and serve them."""
    (place.folder / "policies.yaml").write_bytes(orjson.dumps(_POLICIES))
    (place.folder / "gateway.yaml").write_bytes(orjson.dumps(_config(place)))
    config = str(place.folder / "gateway.yaml")
    # The module and not the script, so that the bench measures the checkout that it stands in.
    command = (sys.executable, "-m", "gateway.cli", "serve", "--config", config, "--log-level", "error")
    return Launch(command)


def _config(place: Place) -> dict[str, Any]:
    config: dict[str, Any] = {
        "version": 1,
        "listen": {"host": "127.0.0.1", "port": place.port},
        "providers": {"mock": {"dialect": "openai_chat", "base_url": f"http://127.0.0.1:{place.upstream}/v1"}},
        "models": {model: [{"provider": "mock", "model": model}] for model in wire.MODELS},
        "keys": {"bench": {"secret": _KEY, "tools": "off", "policies": []}},
        "storage": {"state_dir": str(place.folder / "state")},
        "limits": {"requests_in_flight": 4096},
    }
    if place.with_tools:
        # On the host, so that the figure is the gateway's and not the sandbox's.
        server = {"command": "python", "args": ["-m", TOOL_SERVER], "sandbox": {"backend": "host"}}
        config["mcpServers"] = {"demo": server}
        config["keys"]["looper"] = {"secret": _TOOL_KEY, "tools": "auto", "policies": ["all"]}
        config["policy_files"] = ["policies.yaml"]
    return config


PEER = Peer("toolgate", launch, key=_KEY, tool_key=_TOOL_KEY)
