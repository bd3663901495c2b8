"""Claude Code and Codex use the gateway's tools as MCP clients of `/mcp`, with a model that gets none from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import SECRET, InProcess

from .conftest import WITHOUT_TOOLS
from .installed import Programs
from .running import claude_code, codex

pytestmark = pytest.mark.npm

CODEX_SETTINGS = """
[mcp_servers.gate]
url = "{origin}/mcp/demo"
bearer_token_env_var = "MCP_KEY"
default_tools_approval_mode = "approve"
"""


def called_over_mcp(gateway: InProcess) -> int:
    """How many calls of MCP clients' have ended well."""
    text = gateway.gateway.metrics.exposition({}, ()).decode()
    ended = 'toolgate_tool_calls_total{outcome="ok",server="demo",surface="mcp",verdict="allow"} '
    return sum(int(float(line.removeprefix(ended))) for line in text.splitlines() if line.startswith(ended))


async def test_claude_code_lists_and_calls_our_tools(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    before = called_over_mcp(gateway)
    call = Call("mcp__gate__demo__calculate", {"expression": "6 * 7"})
    upstream.add(Turn(calls=(call,)), Turn(text="It is 42."))
    server: dict[str, Any] = {
        "type": "http",
        "url": f"{gateway.origin}/mcp",
        "headers": {"Authorization": f"Bearer {SECRET}"},
    }
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"gate": server}}))
    done = await claude_code(
        programs.claude,
        gateway.origin,
        tmp_path,
        model="claude-opus-5-5",
        secret=WITHOUT_TOOLS,
        allowed="mcp__gate",
        flags=("--mcp-config", str(config), "--strict-mcp-config"),
    )
    assert done.code == 0, done.printed
    assert done.report["result"] == "It is 42."
    assert "42" in json.dumps(upstream.requests[1].body["messages"][-1])
    assert called_over_mcp(gateway) == before + 1


async def test_codex_lists_and_calls_our_tools(
    programs: Programs, gateway: InProcess, upstream: ScriptedUpstream, tmp_path: Path
):
    before = called_over_mcp(gateway)
    call = Call("mcp__gate__calculate", {"expression": "6 * 7"})
    upstream.add(Turn(calls=(call,)), Turn(text="It is 42."))
    done = await codex(
        programs.codex,
        gateway.origin,
        tmp_path,
        model="gpt-5.4",
        secret=WITHOUT_TOOLS,
        settings_besides=CODEX_SETTINGS.format(origin=gateway.origin),
        environ={"MCP_KEY": SECRET},
    )
    assert done.code == 0, done.printed
    assert done.said == ["It is 42."]
    assert called_over_mcp(gateway) == before + 1
