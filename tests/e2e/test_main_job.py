"""The main job: an ordinary client, a model, real tool servers from public indexes, each in a container."""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import orjson
import pytest
import yaml
from openai import AsyncOpenAI

from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from tests.support.gateways import Command, gateway_as_command

pytestmark = [pytest.mark.docker, pytest.mark.npm, pytest.mark.pypi]

WRITER, READER = "writer-secret-0123456789", "reader-secret-0123456789"
HELLO: list[Any] = [{"role": "user", "content": "What is in my files, and what time is it in Tokyo?"}]

CONFIG = """
version: 1
listen: {host: 127.0.0.1, port: 8484}
providers:
  local:  {dialect: openai_chat, base_url: "${UPSTREAM_URL}"}
models:
  fast: [{provider: local, model: tiny}]
mcpServers:
  files:
    command: npx
    args: ["-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"]
    sandbox: {workspace: /workspace}
  time:   {command: uvx, args: ["mcp-server-time==2026.10.19"]}
  demo:   {command: python, args: ["-m", "mcp_servers.demo", "--test-tools"]}
keys:
  agent-1: {secret: "${AGENT_1_KEY}", models: ["*"], policies: [readers, editors], tools: auto}
  agent-2: {secret: "${AGENT_2_KEY}", models: ["*"], policies: [readers], tools: auto}
policy_files: [policies/readers.yaml]
storage: {state_dir: state}
"""
POLICIES = {
    "version": 1,
    "policies": {
        "readers": {
            "allow": ["files/read_*", "files/list_*", "time/*", "demo/*"],
            "rules": [
                {
                    "id": "inside-workspace",
                    "tools": ["files/*"],
                    "within": {"path": "/workspace", "paths": "/workspace"},
                },
                {
                    "id": "short-lists",
                    "tools": ["files/list_*"],
                    "require": {"properties": {"path": {"type": "string", "maxLength": 200}}},
                },
            ],
        },
        "editors": {"allow": ["files/*"]},
    },
}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def script() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


@pytest.fixture(scope="module")
async def folder() -> AsyncGenerator[Path]:
    with tempfile.TemporaryDirectory(prefix="toolgate-test-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "policies").mkdir()
        (path / "policies" / "readers.yaml").write_text(yaml.safe_dump(POLICIES))
        (path / "gateway.yaml").write_text(CONFIG)
        yield path


@pytest.fixture(scope="module")
async def command(script: ScriptedUpstream, folder: Path) -> AsyncGenerator[Command]:
    environ = {"UPSTREAM_URL": script.base_url, "AGENT_1_KEY": WRITER, "AGENT_2_KEY": READER}
    async with gateway_as_command(folder / "gateway.yaml", environ=environ) as command:
        yield command


@pytest.fixture
def upstream(script: ScriptedUpstream) -> ScriptedUpstream:
    script.forget()
    return script


async def streamed(command: Command, secret: str, **request: Any) -> tuple[str, Any, Any]:
    """The text, the last `toolgate` object, and the run's id."""
    async with AsyncOpenAI(base_url=command.base_url, api_key=secret, max_retries=0, timeout=120) as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="fast", messages=HELLO, stream=True, extra_body={"toolgate": {}}, **request
        )
        chunks = [chunk async for chunk in raw.parse()]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    told = [chunk.toolgate for chunk in chunks if getattr(chunk, "toolgate", None)]
    return text, told[-1], raw.headers["x-toolgate-run-id"]


async def test_an_ordinary_client_gets_an_answer_for_which_real_tools_ran_in_containers(
    command: Command, upstream: ScriptedUpstream, folder: Path
):
    write = Call("files__write_file", {"path": "/workspace/note.txt", "content": "buy milk"})
    read = Call("files__read_text_file", {"path": "/workspace/note.txt"})
    tokyo = Call("time__get_current_time", {"timezone": "Asia/Tokyo"})
    upstream.add(
        Turn(text="I write it down.", calls=(write,)),
        Turn(text="I look.", calls=(read, tokyo)),
        Turn(text="You must buy milk."),
    )
    text, told, run_id = await streamed(command, WRITER)
    assert text == "I write it down.\n\nI look.\n\nYou must buy milk."
    assert told["rounds"] == 3
    assert [(call["server"], call["outcome"]) for call in told["tool_calls"][:1]] == [("files", "ok")]
    assert sorted(call["server"] for call in told["tool_calls"][1:]) == ["files", "time"]
    *_, seen_file, seen_time = upstream.requests[2].body["messages"]
    assert seen_file["content"] == "buy milk"
    assert "Asia/Tokyo" in seen_time["content"]
    run, calls = await audited(folder, run_id)
    assert (run["key_id"], run["model"], run["outcome"], run["rounds"], run["calls"]) == (
        "agent-1",
        "fast",
        "ok",
        3,
        3,
    )
    assert {(call["server"], call["tool"], call["verdict"], call["outcome"], call["round"]) for call in calls} == {
        ("files", "write_file", "allow", "ok", 1),
        ("files", "read_text_file", "allow", "ok", 2),
        ("time", "get_current_time", "allow", "ok", 2),
    }
    assert next(call for call in calls if call["tool"] == "write_file")["targets"] == {
        "path": ["/workspace/note.txt"]
    }
    assert "buy milk" not in str(calls)


async def test_both_servers_run_in_containers_without_network(command: Command):
    async with httpx2.AsyncClient(base_url=command.origin) as http:
        servers = (await http.get("/readyz?verbose")).json()["servers"]
    assert {(server["name"], server["state"], server["sandbox"]) for server in servers} == {
        ("files", "ready", "docker"),
        ("time", "ready", "docker"),
        ("demo", "ready", "docker"),
    }
    (container,) = await containers("time")
    host = container["HostConfig"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"], host["CapDrop"]) == ("none", True, ["ALL"])
    assert container["Config"]["User"].split(":")[0] not in ("", "0")


async def test_a_second_key_cannot_see_or_call_a_tool_by_any_path(command: Command, upstream: ScriptedUpstream):
    forbidden = Call("files__write_file", {"path": "/workspace/x", "content": "x"})
    upstream.add(Turn(calls=(forbidden,)), Turn(text="I may not."))
    text, told, _ = await streamed(command, READER)
    assert text == "I may not."
    assert [(call["server"], call["outcome"]) for call in told["tool_calls"]] == [(None, "unknown_tool")]
    assert "files__write_file" not in {tool["function"]["name"] for tool in upstream.requests[0].body["tools"]}
    headers = {"authorization": f"Bearer {READER}"}
    async with httpx2.AsyncClient(base_url=command.origin, headers=headers, timeout=60) as http:
        listed = (await http.get("/v1/tools")).json()["data"]
        called = await http.post(
            "/v1/tools/files/write_file", json={"arguments": {"path": "/workspace/x", "content": ""}}
        )
        missing = await http.post("/v1/tools/files/no_such", json={"arguments": {}})
    assert "files/write_file" not in {tool["qualified_name"] for tool in listed}
    assert (called.status_code, called.json()["error"]["code"]) == (404, missing.json()["error"]["code"])


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/workspace/../etc/passwd", "/workspace-2/a", "//workspace/../etc/passwd"]
)
async def test_a_path_outside_the_workspace_is_refused_by_the_rule(
    command: Command, upstream: ScriptedUpstream, path: str
):
    upstream.add(Turn(calls=(Call("files__read_text_file", {"path": path}),)), Turn(text="No."))
    _, told, _ = await streamed(command, READER)
    assert [(call["verdict"], call["rule"]) for call in told["tool_calls"]] == [
        ("deny", "readers/inside-workspace")
    ]


async def test_each_key_has_a_workspace_of_its_own(command: Command, upstream: ScriptedUpstream):
    listing = Call("files__list_directory", {"path": "/workspace"})
    upstream.add(Turn(calls=(listing,)), Turn(text="Nothing."))
    await streamed(command, READER)
    assert "note.txt" not in upstream.requests[1].body["messages"][-1]["content"]


async def test_a_server_killed_in_mid_call_ends_that_call_and_the_next_one_works(
    command: Command, upstream: ScriptedUpstream
):
    (container,) = await containers("demo")
    back = anyio.Event()
    upstream.add(
        Turn(calls=(Call("demo__slow", {"seconds": 600}),)),
        Turn(calls=(Call("demo__calculate", {"expression": "6 * 7"}),), wait_for=back),
        Turn(text="Late."),
    )
    request = {"model": "fast", "messages": HELLO, "stream": True, "toolgate": {"events": True}}
    headers = {"authorization": f"Bearer {READER}"}
    seen, is_killed = "", False

    async def wait_until_it_is_back(http: httpx2.AsyncClient) -> None:
        await upstream.wait_for_requests(2)
        state = "down"
        while state != "ready":  # a call waits for that, but not for ever
            await anyio.sleep(0.05)
            told = (await http.get("/v1/servers")).json()["data"]
            (state,) = (server["state"] for server in told if server["name"] == "demo")
        back.set()

    async with (
        httpx2.AsyncClient(base_url=command.origin, headers=headers, timeout=60) as http,
        anyio.create_task_group() as tasks,
        http.stream("POST", "/v1/chat/completions", json=request) as answer,
    ):
        tasks.start_soon(wait_until_it_is_back, http)
        async for text in answer.aiter_text():
            seen += text
            if "tool_call_progress" in seen and not is_killed:
                is_killed = True
                os.kill(container["State"]["Pid"], signal.SIGKILL)
    events = [orjson.loads(line[6:]) for line in seen.splitlines() if line.startswith("data: {")]
    slow, calculated = [event["toolgate"] for event in events if "toolgate" in event][-1]["tool_calls"]
    assert (slow["outcome"], slow["is_error"]) == ("server_down", True)
    assert (calculated["outcome"], calculated["is_error"]) == ("ok", False)
    assert upstream.requests[2].body["messages"][-1]["content"] == "42"


async def containers(server: str) -> list[dict[str, Any]]:
    """The running containers of one of our servers, as the engine describes them."""
    listed = await anyio.run_process(["docker", "ps", "-q", "--filter", f"label=toolgate.server={server}"])
    ids = listed.stdout.decode().split()
    if not ids:
        return []
    inspected = await anyio.run_process(["docker", "inspect", *ids])
    return orjson.loads(inspected.stdout)


async def audited(folder: Path, run_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The trail of one run that has ended, read from the database as another program would."""
    with anyio.fail_after(60), closing(sqlite3.connect(folder / "state" / "toolgate.db")) as database:
        while not (runs := database.execute("select record from runs where run_id = ?", (run_id,)).fetchall()):
            await anyio.sleep(0.02)
        calls = database.execute("select record from tool_calls where run_id = ?", (run_id,)).fetchall()
    return orjson.loads(runs[-1][0]), [orjson.loads(record) for (record,) in calls]
