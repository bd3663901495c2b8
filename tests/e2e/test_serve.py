"""`toolgate serve` as a process: how it starts, reloads and stops."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import orjson
import pytest
import yaml

from gateway.providers.scripted import ScriptedUpstream, Turn
from tests.e2e.commands import Running, session_of, toolgate

SECRET = "agent-secret-0123456789"
NEW_SECRET = "fresh-secret-0123456789"


def document(**parts: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "models": {"tiny": "local"},
        "keys": {"agent": {"secret": SECRET}},
        "storage": {"state_dir": "state"},
        **parts,
    }


def write(folder: Path, value: dict[str, Any] | str) -> None:
    text = value if isinstance(value, str) else yaml.safe_dump(value, sort_keys=False)
    (folder / "gateway.yaml").write_text(text)


@asynccontextmanager
async def serving(folder: Path, **parts: Any) -> AsyncGenerator[tuple[Running, httpx2.AsyncClient]]:
    write(folder, document(**parts))
    async with toolgate("serve", "--port", "0", cwd=folder) as running:
        await running.until(lambda it: "\nready\n" in it.err)
        origin = re.search(r"(http://[^/\s]+)/v1", running.err)
        assert origin is not None
        async with httpx2.AsyncClient(base_url=origin[1], timeout=60) as client:
            yield running, client


async def models(client: httpx2.AsyncClient, secret: str = SECRET) -> list[str]:
    answer = await client.get("/v1/models", headers={"authorization": f"Bearer {secret}"})
    return [model["id"] for model in answer.raise_for_status().json()["data"]]


async def test_sigterm_ends_it_with_nothing_left(folder: Path):
    async with serving(folder) as (running, client):
        assert await models(client) == ["tiny"]
        assert await running.end(signal.SIGTERM) == 0
    assert running.err.endswith("toolgate has stopped\n")
    assert running.out == ""
    assert session_of(running.process.pid) == []


async def test_sighup_puts_a_changed_configuration_to_use(folder: Path):
    async with serving(folder) as (running, client):
        write(
            folder,
            document(
                models={"other": "local"},
                keys={"agent": {"secret": NEW_SECRET}},
                storage={"state_dir": "elsewhere"},
            ),
        )
        running.process.send_signal(signal.SIGHUP)
        await running.until(lambda it: "the new configuration is in use" in it.err)
        assert await models(client, NEW_SECRET) == ["other"]
        assert "`storage` has changed, which holds from the next start only" in running.err
        assert "`listen`" not in running.err
        assert not (folder / "elsewhere").exists()
        assert await running.end(signal.SIGTERM) == 0


async def test_a_configuration_that_is_wrong_changes_nothing(folder: Path):
    async with serving(folder) as (running, client):
        write(folder, "version: 1\nkyes: {}\n")
        running.process.send_signal(signal.SIGHUP)
        await running.until(lambda it: "nothing has changed" in it.err and "did you mean keys?" in it.err)
        assert "gateway.yaml:2: kyes: there is no such setting" in running.err
        assert await models(client) == ["tiny"]
        write(folder, document(providers={"opnai": {}}, models={}))  # found out only when providers are made
        running.process.send_signal(signal.SIGHUP)
        await running.until(lambda it: "did you mean openai" in it.err)
        assert await models(client) == ["tiny"]
        write(folder, document(models={"mended": "local"}))
        running.process.send_signal(signal.SIGHUP)
        await running.until(lambda it: "the new configuration is in use" in it.err)
        assert await models(client) == ["mended"]


@dataclass(frozen=True)
class Held:
    """A model that answers once it is let go."""

    upstream: ScriptedUpstream
    go: anyio.Event

    @property
    def providers(self) -> dict[str, Any]:
        return {"local": {"base_url": self.upstream.base_url}}


@asynccontextmanager
async def held() -> AsyncGenerator[Held]:
    go = anyio.Event()
    async with ScriptedUpstream([Turn(text="done", wait_for=go)]).serve() as upstream:
        yield Held(upstream, go)


ASK = {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}


async def test_requests_under_way_are_let_end(folder: Path):
    async with held() as model, serving(folder, providers=model.providers) as (running, client):
        answers: list[httpx2.Response] = []

        async def ask() -> None:
            headers = {"authorization": f"Bearer {SECRET}"}
            answers.append(await client.post("/v1/chat/completions", json=ASK, headers=headers))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await model.upstream.wait_for_requests(1)
            running.process.send_signal(signal.SIGTERM)
            await running.until(lambda it: "stopping" in it.err)
            model.go.set()
        assert answers[0].json()["choices"][0]["message"]["content"] == "done"
        assert await running.ended() == 0


async def test_a_stream_that_would_go_on_for_ever_ends_with_it(folder: Path):
    session = {"authorization": f"Bearer {SECRET}", "accept": "application/json, text/event-stream"}
    about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    async with serving(folder) as (running, client):
        begun = await client.post("/mcp", json=body, headers=session)
        session["mcp-session-id"] = begun.headers["mcp-session-id"]
        with anyio.fail_after(20):  # those that are under way may take half a minute
            async with client.stream("GET", "/mcp", headers=session) as stream:
                assert stream.status_code == 200
                running.process.send_signal(signal.SIGTERM)
                assert b"event" not in b"".join([piece async for piece in stream.aiter_bytes()])
            assert await running.ended() == 0


async def test_a_second_interruption_breaks_off_what_is_under_way(folder: Path):
    async with held() as model, serving(folder, providers=model.providers) as (running, client):

        async def ask() -> None:
            headers = {"authorization": f"Bearer {SECRET}"}
            with pytest.raises(httpx2.HTTPError):
                (await client.post("/v1/chat/completions", json=ASK, headers=headers)).raise_for_status()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await model.upstream.wait_for_requests(1)
            running.process.send_signal(signal.SIGINT)
            await running.until(lambda it: "stopping" in it.err)
            running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 130
    assert "Traceback" not in running.err
    assert session_of(running.process.pid) == []


async def test_a_taken_port_is_named_with_the_way_out(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write(folder, document(listen={"port": port}))
        async with toolgate("serve", cwd=folder) as running:
            assert await running.ended() == 1
            await running.until(lambda it: "choose another port with --port" in it.err)
    assert f"error: port {port} on 127.0.0.1 is taken" in running.err


async def test_servers_alone_have_no_keys_and_are_not_served(folder: Path):
    (folder / ".mcp.json").write_bytes(orjson.dumps({"mcpServers": {}}))
    async with toolgate("serve", "--mcp-config", ".mcp.json", cwd=folder) as running:
        assert await running.ended() == 2
        await running.until(lambda it: "toolgate init" in it.err)


async def test_a_server_that_is_down_is_named_and_delays_nothing(folder: Path):
    servers = {
        "dead": {"command": "python", "args": ["-c", "raise SystemExit(3)"], "sandbox": {"backend": "host"}}
    }
    write(folder, document(mcpServers=servers))
    async with toolgate("serve", "--port", "0", cwd=folder) as running:
        await running.until(lambda it: "\nready, without dead; `toolgate doctor` says more\n" in it.err)
        assert "warning: gateway.yaml" in running.err  # that it runs outside any sandbox
        assert await running.end(signal.SIGINT) == 0
