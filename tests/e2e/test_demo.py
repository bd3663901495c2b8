"""The first minute: `toolgate demo`, and then what it says to do."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import orjson
import pytest
from openai import AsyncOpenAI

from tests.e2e.commands import Running, session_of, toolgate

WITHOUT_SANDBOXES = {"PATH": "/nonexistent", "DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@asynccontextmanager
async def demo(folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> AsyncGenerator[Running]:
    """A demo that has introduced itself, and keeps its files beneath `folder`."""
    environ = {"TMPDIR": str(folder), **(environ or {})}
    async with toolgate("demo", "--port", "0", *arguments, cwd=folder, environ=environ) as running:
        await running.until(lambda it: "Stop with Ctrl-C" in it.err)
        yield running


def curl(running: Running) -> list[str]:
    """The command that the demo tells people to type, as a shell takes it apart."""
    return shlex.split(running.out[running.out.index("curl ") :].replace("\\\n", ""))


async def answered(argv: list[str]) -> Any:
    ended = await anyio.to_thread.run_sync(
        lambda: subprocess.run(argv, capture_output=True, timeout=60, check=True, text=True)
    )
    return orjson.loads(ended.stdout)


def told(running: Running, name: str) -> str:
    found = re.search(rf"^{name}\s+(\S+)", running.out, re.MULTILINE)
    assert found is not None, running.out
    return found[1]


def judge(answer: Any) -> None:
    """One call ran, and one was refused by the rule, by its name."""
    calls = {f"{call['server']}/{call['tool']}": call for call in answer["toolgate"]["tool_calls"]}
    assert (calls["demo/current_time"]["verdict"], calls["demo/current_time"]["outcome"]) == ("allow", "ok")
    refused = calls["files/read_file"]
    assert (refused["verdict"], refused["rule"]) == ("deny", "demo/inside-workspace")
    text = answer["choices"][0]["message"]["content"]
    assert "Asia/Tokyo" in text
    assert "demo/inside-workspace" in text


async def test_the_curl_that_it_prints_shows_a_call_that_ran_and_one_that_was_refused(folder: Path):
    async with demo(folder) as running:
        assert all(f"  {server}: ready, " in running.err for server in ("demo", "files"))
        answer = await answered(curl(running))
        judge(answer)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", told(running, "base URL"))
        assert told(running, "model") == answer["model"]
        assert await running.end(signal.SIGINT) == 0
    assert list(folder.iterdir()) == []
    assert session_of(running.process.pid) == []


async def test_the_same_through_the_openai_sdk_streamed(folder: Path):
    async with demo(folder) as running:
        body = orjson.loads(curl(running)[-1])
        client = AsyncOpenAI(base_url=told(running, "base URL"), api_key=told(running, "API key"), max_retries=0)
        async with client:
            stream = await client.chat.completions.create(
                model=told(running, "model"), messages=body["messages"], stream=True
            )
            chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert "Asia/Tokyo" in text
        assert "demo/inside-workspace" in text
        ends = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        assert [end for end in ends if end] == ["stop"]
        # A terminal that is closed must leave nothing behind, either.
        assert await running.end(signal.SIGHUP) == 0
    assert list(folder.iterdir()) == []


async def test_without_any_sandbox_it_works_and_says_so(folder: Path):
    # The cache is in the folder, too: nothing that another test prepared can help.
    environ = {**WITHOUT_SANDBOXES, "XDG_CACHE_HOME": str(folder / "cache")}
    async with demo(folder, environ=environ) as running:
        assert "NOT SANDBOXED" in running.err
        program, *rest = curl(running)
        judge(await answered([f"/usr/bin/{program}", *rest]))
        assert await running.end(signal.SIGTERM) == 0
    assert [path.name for path in folder.iterdir() if path.name != "cache"] == []
    assert session_of(running.process.pid) == []


@pytest.mark.bubblewrap
async def test_without_docker_it_confines_with_bubblewrap(folder: Path):
    async with demo(folder, environ={"DOCKER_HOST": "unix:///nonexistent/docker.sock"}) as running:
        assert "files: ready, 8 tools, in bubblewrap" in running.err
        assert "NOT SANDBOXED" not in running.err
        judge(await answered(curl(running)))
        assert await running.end(signal.SIGINT) == 0
    assert list(folder.iterdir()) == []
    assert session_of(running.process.pid) == []


async def test_what_it_keeps_can_be_looked_at_afterwards(folder: Path):
    kept = folder / "kept"
    async with demo(folder, "--keep", str(kept)) as running:
        answer = await answered(curl(running))
        run_id = answer["toolgate"]["run_id"]
        async with toolgate("runs", "show", run_id, cwd=kept) as runs:  # while the gateway runs
            assert await runs.ended() == 0
            await runs.until(lambda it: "demo/inside-workspace" in it.out)
        async with toolgate(
            "policy", "explain", "--tool", "files/read_file", "--args", '{"path": "/etc/passwd"}', cwd=kept
        ) as why:
            assert await why.ended() == 1
            await why.until(lambda it: it.out.startswith("DENY files/read_file\n  by demo/inside-workspace"))
        await running.end(signal.SIGINT)
    assert (kept / "gateway.yaml").stat().st_mode & 0o077 == 0


async def test_servers_of_ones_own_take_the_place_of_the_demos(folder: Path):
    config = folder / "mine.json"
    server = {"command": "python", "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    config.write_bytes(orjson.dumps({"mcpServers": {"mine": server}}))
    async with demo(folder, "--mcp-config", str(config)) as running:
        assert "  mine: ready, 6 tools" in running.err
        assert "  files: " not in running.err
        answer = await answered(curl(running))
        assert answer["choices"][0]["finish_reason"] == "stop"
        await running.end(signal.SIGINT)


async def test_a_taken_port_is_named_with_the_way_out(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with toolgate("demo", "--port", str(port), cwd=folder, environ={"TMPDIR": str(folder)}) as running:
            assert await running.ended() == 1
            await running.until(lambda it: "hint:" in it.err)
    assert f"error: port {port} on 127.0.0.1 is taken" in running.err
    assert "--port" in running.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("qwen3", "the provider is missing"),
        ("olama/qwen3", "did you mean ollama?"),
        ("openai/gpt", "OpenAI wants a key"),
    ],
)
async def test_a_model_that_cannot_be_had_is_refused_before_anything_starts(model: str, error: str, folder: Path):
    environ = {name: "" for name in os.environ if name.endswith("_API_KEY")}
    async with toolgate("demo", "--model", model, cwd=folder, environ=environ) as running:
        assert await running.ended() == 2
        await running.until(lambda it: error in it.err)


async def test_an_interruption_while_it_starts_ends_it_cleanly(folder: Path):
    environ = {"TMPDIR": str(folder)}
    async with toolgate("demo", "--port", "0", cwd=folder, environ=environ) as running:
        await running.until(lambda it: "starting the tool servers" in it.err)
        assert await running.end(signal.SIGINT) in (0, 130)  # 0: it was up by then
        assert "Traceback" not in running.err
    assert list(folder.iterdir()) == []
    assert session_of(running.process.pid) == []
