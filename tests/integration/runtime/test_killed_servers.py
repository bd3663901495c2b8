"""A server that is killed in its box while a hundred calls are under way through the whole gateway."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import docker
import httpx2
import pytest

from gateway.providers.scripted import Call, Turn
from gateway.providers.scripted.app import ChatApp
from gateway.providers.scripted.serving import serve_app
from tests.support.conditions import eventually
from tests.support.gateways import InProcess, gateway_in_process
from tests.support.leftovers import nothing_left, processes_with

KILLED, INNOCENT = 30, 20
"""Calls to each of the two servers, on each of the two ways to them: a hundred altogether."""
LONG, SHORT = 600, 2
"""Seconds that a call takes at the server that will be killed, and at the one that will not."""
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
in_boxes = pytest.mark.parametrize(
    "backend", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "bubblewrap")]
)


async def decide(headers: Mapping[str, str], raw: bytes, body: Mapping[str, Any]) -> Turn:
    """A model that calls what it is told to, and repeats what came of it."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Turn(text=last["content"])
    server, seconds = last["content"].split()
    return Turn(calls=(Call(f"{server}__slow", {"seconds": int(seconds)}),))


@dataclass
class Load:
    """Calls through a gateway: how many are under way at their servers, and how they ended."""

    http: httpx2.AsyncClient
    under_way: Counter[str] = field(default_factory=Counter[str])
    answers: dict[str, list[str]] = field(default_factory=lambda: {"killed": [], "innocent": []})

    async def over_mcp(self, server: str, seconds: int) -> None:
        params = {
            "name": f"{server}__slow",
            "arguments": {"seconds": seconds},
            "_meta": {**META, "progressToken": secrets.token_hex(4)},
        }
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": params["name"],
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        said = await self._read(server, "/mcp", message, headers, "step 0 of 1")
        (result,) = re.findall(r'data: (\{.*"result".*\})', said)
        self.answers[server].append(json.loads(result)["result"]["content"][0]["text"])

    async def over_chat(self, server: str, seconds: int) -> None:
        asked = {"role": "user", "content": f"{server} {seconds}"}
        request = {"model": "tiny", "messages": [asked], "stream": True, "toolgate": {"events": True}}
        said = await self._read(server, "/v1/chat/completions", request, {}, "tool_call_progress")
        assert said.endswith("data: [DONE]\n\n")
        chunks = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk.get("choices")]
        self.answers[server].append("".join(delta.get("content") or "" for delta in deltas))

    async def _read(self, server: str, path: str, body: Any, headers: Mapping[str, str], sign: str) -> str:
        """The whole stream; `sign` in it says that the call is under way."""
        said = ""
        async with self.http.stream("POST", path, json=body, headers=headers) as answer:
            async for text in answer.aiter_text():
                self.under_way[server] += sign not in said and sign in said + text
                said += text
        return said

    async def calculate(self, server: str) -> str:
        called = await self.http.post(f"/v1/tools/{server}/calculate", json={"arguments": {"expression": "6*7"}})
        return called.text


@asynccontextmanager
async def gateway_with(backend: str, mark: str) -> AsyncGenerator[InProcess]:
    def boxed(name: str) -> dict[str, Any]:
        arguments = ["-X", f"mark={mark}-{name}", "-m", "mcp_servers.demo", "--test-tools"]
        return {"command": "python", "args": arguments, "sandbox": {"backend": backend}}

    async with serve_app(ChatApp(decide, models=("tiny",))) as model:
        document = {
            "providers": {"script": {"dialect": "openai_chat", "base_url": f"{model}/v1"}},
            "models": {"tiny": [{"provider": "script", "model": "tiny"}]},
            "mcpServers": {"killed": boxed("killed"), "innocent": boxed("innocent")},
            "keys": {"agent": {"secret": "agent-secret-0123456789", "policies": ["all"], "tools": "auto"}},
            "limits": {"tool_call_seconds": 100},
        }
        with tempfile.TemporaryDirectory(prefix="toolgate-test-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)
            policies = {"all": {"allow": ["killed/*", "innocent/*"]}}
            async with gateway_in_process(Path(folder), document, policies) as gateway:
                yield gateway


def kill(mark: str) -> None:
    """Kill the program in the box, not what started it."""
    for pid in processes_with(mark):
        if Path(f"/proc/{pid}/comm").read_text().startswith("python"):
            os.kill(pid, signal.SIGKILL)


def containers_with(mark: str) -> list[str]:
    client = docker.from_env()
    try:
        found = client.api.containers(all=True, filters={"label": "toolgate.server"})
        return [one["Id"] for one in found if mark in one["Command"]]
    finally:
        client.close()


@in_boxes
async def test_every_call_to_it_ends_and_those_to_another_succeed(backend: str):
    mark = secrets.token_hex(8)
    with anyio.fail_after(140):
        async with nothing_left(mark), gateway_with(backend, mark) as gateway:
            limits = httpx2.Limits(max_connections=None)
            headers = {"authorization": "Bearer agent-secret-0123456789"}
            async with httpx2.AsyncClient(
                base_url=gateway.origin, headers=headers, timeout=120, limits=limits
            ) as http:
                load = Load(http)
                async with anyio.create_task_group() as tasks:
                    for way in (load.over_mcp, load.over_chat):
                        for _ in range(KILLED):
                            tasks.start_soon(way, "killed", LONG)
                    await eventually(lambda: load.under_way["killed"] == 2 * KILLED)
                    for way in (load.over_mcp, load.over_chat):
                        for _ in range(INNOCENT):
                            tasks.start_soon(way, "innocent", SHORT)
                    await eventually(lambda: load.under_way["innocent"] == 2 * INNOCENT)
                    assert load.answers == {"killed": [], "innocent": []}
                    kill(f"{mark}-killed")
                assert load.answers["innocent"] == [f"took {SHORT:.1f} s"] * 2 * INNOCENT
                assert len(load.answers["killed"]) == 2 * KILLED
                assert all("'killed' is down: " in said for said in load.answers["killed"]), load.answers["killed"]
                while "42" not in await load.calculate("killed"):  # it is started again, which may take a while
                    await anyio.sleep(0.1)
        if backend == "docker":
            assert containers_with(mark) == []
