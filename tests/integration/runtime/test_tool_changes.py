"""What is told of tools that change: by the metrics, the audit trail and the states of servers; and reloads."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio

from gateway.audit import ToolChangeRecord
from gateway.building.server_locks import locks_of_file
from gateway.config import load_config
from gateway.hub import Hub
from tests.support.conditions import eventually
from tests.support.gateways import SECRET, gateway_in_process, write_files
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source, write_lockfile

CHANGING = Path(__file__).parents[1] / "hub" / "servers" / "changing.py"
READ = {"name": "read", "description": "Reads.", "inputSchema": {"type": "object"}}
POLICIES = {"all": {"allow": ["files/*"]}}


def document(tools: Path) -> dict[str, Any]:
    arguments = ["-S", "-E", str(CHANGING), str(tools)]
    server = {"command": sys.executable, "args": arguments, "sandbox": {"backend": "host"}}
    return {
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "mcpServers": {"files": server},
        "keys": {"agent": {"secret": SECRET, "policies": ["all"]}},
    }


def lock(*definitions: dict[str, Any]) -> str:
    tools = [LockedTool.of(definition) for definition in definitions]
    return write_lockfile(Lockfile({"files": LockedServer.of(Source("command", "python3"), tools)}))


def offered(hub: Hub) -> list[str]:
    return [tool.description for tool in hub.catalogue.tools]


async def test_a_changed_tool_is_counted_kept_and_taken_after_a_reload_with_another_lock(tmp_path: Path):
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([READ]))
    (tmp_path / "tools.lock").write_text(lock(READ))
    async with gateway_in_process(tmp_path, document(tools), POLICIES) as running:
        services = running.gateway.services
        await running.gateway.settled()
        assert offered(services.hub) == ["Reads."]
        other = {**READ, "description": "Reads, and sends."}
        tools.with_suffix(".new").write_text(json.dumps([other]))
        tools.with_suffix(".new").replace(tools)
        await eventually(lambda: offered(services.hub) == [])

        counted = 'toolgate_tool_changes_total{action="hidden",change="description",server="files"} 1.0'
        await eventually(lambda: counted in services.metrics.exposition({}, ()).decode())
        await services.audit.flush()
        (change,) = await services.audit.tool_changes()
        assert isinstance(change, ToolChangeRecord)
        assert (change.server, change.tool, change.change, change.action) == (
            "files",
            "read",
            "description",
            "hidden",
        )
        assert change.sha256 == LockedTool.of(other).sha256

        (tmp_path / "tools.lock").write_text(lock(other))
        config = await anyio.to_thread.run_sync(load_config, write_files(tmp_path, document(tools), POLICIES))
        await running.gateway.load(config)
        assert offered(running.gateway.services.hub) == ["Reads, and sends."]


async def test_a_server_that_may_change_may_name_another_issuer(tmp_path: Path):
    config_document = document(tmp_path / "tools.json")
    remote = {"url": "http://127.0.0.1:9/mcp", "auth": {"type": "oauth"}}
    config_document["mcpServers"] = {"strict": remote, "loose": {**remote, "on_change": "accept"}}
    known = LockedServer.of(Source("url", "http://127.0.0.1:9/mcp", issuer="https://id.example"), [])
    write_files(tmp_path, config_document, POLICIES)
    config = load_config(tmp_path / "gateway.yaml")
    locks = locks_of_file(config, Lockfile({"strict": known, "loose": known, "gone": known}))
    assert locks.issuers(config) == {"strict": "https://id.example"}
