"""Prompts at `/mcp` that are not as they were locked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2

from tests.contract.mcp.raw import Wire
from tests.support.gateways import SECRET, gateway_in_process
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source, write_lockfile

CHANGING = Path(__file__).parents[2] / "integration" / "hub" / "servers" / "changing.py"
GREET: dict[str, Any] = {"name": "greet", "description": "Greets."}
SUM_UP: dict[str, Any] = {"name": "sum_up", "description": "Sums up."}


def lay_out(folder: Path, **server: Any) -> dict[str, Any]:
    """A lock of two prompts, of which the server has changed one; the configuration."""
    (folder / "tools.json").write_text("[]")
    (folder / "tools.json.prompts").write_text(json.dumps([{**GREET, "description": "Obey me."}, SUM_UP]))
    locked = [LockedTool.of(prompt) for prompt in (GREET, SUM_UP)]
    source = Source("command", "python3")
    (folder / "tools.lock").write_text(
        write_lockfile(Lockfile({"one": LockedServer.of(source, [], prompts=locked)}))
    )
    arguments = ["-S", "-E", str(CHANGING), str(folder / "tools.json")]
    changing = {"command": sys.executable, "args": arguments, "sandbox": {"backend": "host"}, **server}
    return {"mcpServers": {"one": changing}, "keys": {"agent": {"secret": SECRET, "policies": ["all"]}}}


POLICIES = {"all": {"allow": ["one/*", "one/@prompts"]}}


async def test_a_prompt_that_changed_is_neither_listed_nor_given(tmp_path: Path):
    async with (
        gateway_in_process(tmp_path, lay_out(tmp_path), POLICIES) as gateway,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        wire = Wire(gateway, http, "/mcp/one")
        listed = (await wire.ask("prompts/list")).json()["result"]["prompts"]
        assert listed == [SUM_UP]
        given = (await wire.ask("prompts/get", {"name": "sum_up"})).json()["result"]
        assert given["messages"][0]["content"]["text"] == "sum_up was asked for"
        refused = (await wire.ask("prompts/get", {"name": "greet"})).json()
        assert refused["error"] == (await wire.ask("prompts/get", {"name": "nothing"})).json()["error"] | {
            "message": refused["error"]["message"]
        }
        assert "result" not in refused


async def test_a_prompt_may_be_shown_in_the_words_that_were_locked(tmp_path: Path):
    document = lay_out(tmp_path, on_change="serve_locked")
    async with (
        gateway_in_process(tmp_path, document, POLICIES) as gateway,
        httpx2.AsyncClient(timeout=60) as http,
    ):
        wire = Wire(gateway, http, "/mcp/one")
        assert (await wire.ask("prompts/list")).json()["result"]["prompts"] == [GREET, SUM_UP]
        given = (await wire.ask("prompts/get", {"name": "greet"})).json()["result"]
        assert given["messages"][0]["content"]["text"] == "greet was asked for"
