"""One configuration takes the place of another: under load, when it is wrong, and while the gateway stops."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import openai
import pytest

from gateway import runtime as runtime_module
from gateway.building.shared import open_shared
from gateway.config import load_config
from gateway.errors import ConfigError, Overloaded
from gateway.providers.scripted import Call, ScriptedUpstream, Turn
from gateway.runtime import open_gateway
from tests.support.conditions import eventually
from tests.support.gateways import SECRET, InProcess, gateway_in_process, write_files

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
POLICIES = {"all": {"allow": ["demo/*", "other/*"]}}
SUM = Call("demo__calculate", {"expression": "6 * 7"})


@pytest.fixture
async def upstream() -> AsyncGenerator[ScriptedUpstream]:
    async with ScriptedUpstream(models=("tiny",)).serve() as upstream:
        yield upstream


def document(upstream: ScriptedUpstream, *servers: str, **limits: Any) -> dict[str, Any]:
    demo = {
        "command": sys.executable,
        "args": ["-m", "mcp_servers.demo", "--test-tools"],
        "sandbox": {"backend": "host"},
    }
    return {
        "providers": {"script": {"dialect": "openai_chat", "base_url": upstream.base_url}},
        "models": {"tiny": [{"provider": "script", "model": "tiny"}]},
        "mcpServers": dict.fromkeys(servers, demo),
        "keys": {"agent": {"secret": SECRET, "policies": ["all"]}},
        "limits": limits,
    }


async def load(gateway: InProcess, folder: Path, document: dict[str, Any]) -> None:
    await gateway.gateway.load(load_config(write_files(folder, document, POLICIES)))


async def ask(gateway: InProcess, **request: Any) -> Any:
    async with gateway.client() as client:
        return await client.chat.completions.create(
            **{"model": "tiny", "messages": HELLO, "extra_body": {"toolgate": {}}, **request}
        )


async def test_a_request_under_way_ends_with_the_servers_it_began_with_and_then_they_stop(
    upstream: ScriptedUpstream, tmp_path: Path
):
    async with gateway_in_process(tmp_path, document(upstream, "demo"), POLICIES) as gateway:
        old = gateway.gateway.services
        held = anyio.Event()
        upstream.add(Turn(calls=(SUM,), wait_for=held), Turn(text="Done."), Turn(text="New."))
        answers: list[Any] = []

        async def ask_old() -> None:
            answers.append(await ask(gateway))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_old)
            await upstream.wait_for_requests(1)
            await load(gateway, tmp_path, document(upstream, "other"))
            new = gateway.gateway.services
            assert new is not old
            assert {status.state for status in old.hub.statuses()} == {"ready"}, "one still needs it"
            held.set()
        (call,) = answers[0].toolgate["tool_calls"]
        assert (call["server"], call["outcome"]) == ("demo", "ok")
        await eventually(lambda: {status.state for status in old.hub.statuses()} != {"ready"})
        await ask(gateway)
        names = {tool["function"]["name"].split("__")[0] for tool in upstream.requests[-1].body["tools"]}
        assert names == {"other"}


async def test_a_reload_waits_for_its_servers_so_that_no_request_meets_an_empty_catalogue(
    upstream: ScriptedUpstream, tmp_path: Path
):
    async with gateway_in_process(tmp_path, document(upstream, "demo"), POLICIES) as gateway:
        await load(gateway, tmp_path, document(upstream, "demo", "other"))
        servers = {tool.server for tool in gateway.gateway.services.hub.catalogue.tools}
        assert servers == {"demo", "other"}


async def note(gateway: InProcess, server: str, tool: str, **arguments: str) -> str:
    hub = gateway.gateway.services.hub
    return (await hub.call(server, tool, {"name": "n", **arguments}, owner="agent", timeout=60)).text()


async def test_a_server_that_is_asked_for_again_goes_on_with_all_that_it_knows(
    upstream: ScriptedUpstream, tmp_path: Path
):
    async with gateway_in_process(tmp_path, document(upstream, "demo"), POLICIES) as gateway:
        old = gateway.gateway.services
        await note(gateway, "demo", "write_note", text="kept")
        await load(gateway, tmp_path, document(upstream, "demo", "other"))
        assert gateway.gateway.services is not old
        assert await note(gateway, "demo", "read_note") == "kept"
        await load(gateway, tmp_path, document(upstream, "other"))
        await load(gateway, tmp_path, document(upstream, "demo", "other"))
        assert "kept" not in await note(gateway, "demo", "read_note"), "it was stopped in between"


async def test_a_server_that_is_asked_for_differently_starts_anew_and_the_others_go_on(
    upstream: ScriptedUpstream, tmp_path: Path
):
    async with gateway_in_process(tmp_path, document(upstream, "demo", "other"), POLICIES) as gateway:
        for server in ("demo", "other"):
            await note(gateway, server, "write_note", text="kept")
        changed = document(upstream, "demo", "other")
        changed["mcpServers"]["demo"] = {**changed["mcpServers"]["demo"], "env": {"LANG": "C"}}
        changed["mcpServers"]["other"] = {**changed["mcpServers"]["other"], "timeout": 20}
        await load(gateway, tmp_path, changed)
        assert "kept" not in await note(gateway, "demo", "read_note")
        assert await note(gateway, "other", "read_note") == "kept", "a bound on calls is no other server"


async def test_a_configuration_that_cannot_be_built_changes_nothing(upstream: ScriptedUpstream, tmp_path: Path):
    async with gateway_in_process(tmp_path, document(upstream, "demo"), POLICIES) as gateway:
        before = gateway.gateway.services
        config = load_config(write_files(tmp_path, document(upstream, "demo"), POLICIES))
        provider = replace(config.providers["script"], dialects=("nobodys_dialect",))
        for _ in range(2):
            with pytest.raises(ConfigError, match="nobodys_dialect"):
                await gateway.gateway.load(replace(config, providers={"script": provider}))
        assert gateway.gateway.services is before
        upstream.add(Turn(calls=(SUM,)), Turn(text="Still here."))
        assert (await ask(gateway)).choices[0].message.content == "Still here."
        await load(gateway, tmp_path, document(upstream, "other"))
        assert gateway.gateway.services is not before


async def test_a_configuration_that_cannot_be_built_is_told_as_such_at_the_start(
    upstream: ScriptedUpstream, tmp_path: Path
):
    config = load_config(write_files(tmp_path, document(upstream), POLICIES))
    provider = replace(config.providers["script"], dialects=("nobodys_dialect",))
    async with open_shared(config) as shared:
        with pytest.raises(ConfigError, match="nobodys_dialect"):
            async with open_gateway(replace(config, providers={"script": provider}), shared):
                raise AssertionError("it was opened")


async def test_a_gateway_that_is_full_says_so_and_lets_observers_in(upstream: ScriptedUpstream, tmp_path: Path):
    settings = document(upstream, requests_in_flight=1)
    async with gateway_in_process(tmp_path, settings, POLICIES) as gateway, gateway.http() as http:
        held = anyio.Event()
        upstream.add(Turn(text="Late.", wait_for=held))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, gateway)
            await upstream.wait_for_requests(1)
            with pytest.raises(openai.InternalServerError) as caught:
                await ask(gateway)
            observed = [(await http.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")]
            held.set()
        assert (caught.value.status_code, caught.value.code) == (503, "too_many_requests_in_flight")
        assert caught.value.response.headers["retry-after"] == "1"
        assert observed == [200, 200, 200]
        upstream.add(Turn(text="There is room."))
        assert (await ask(gateway)).choices[0].message.content == "There is room."


async def test_requests_that_fail_give_their_place_back(upstream: ScriptedUpstream, tmp_path: Path):
    settings = document(upstream, requests_in_flight=1)
    async with gateway_in_process(tmp_path, settings, POLICIES) as gateway, gateway.http() as http:
        for _ in range(3):
            assert (await http.post("/v1/chat/completions", content=b"nonsense")).status_code == 400
            assert (await http.get("/v1/models")).status_code == 200


async def test_a_retired_configuration_does_not_wait_for_ever(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(runtime_module, "_BEYOND_RUNS", 0.2)
    settings = document(upstream, "demo", wall_clock_seconds=1)
    async with gateway_in_process(tmp_path, settings, POLICIES) as gateway:
        old = gateway.gateway.services
        with gateway.gateway.admit():
            await load(gateway, tmp_path, document(upstream, "other", wall_clock_seconds=1))
            with caplog.at_level(logging.WARNING):
                await eventually(lambda: any("outlived" in record.getMessage() for record in caplog.records))
            await eventually(lambda: {status.state for status in old.hub.statuses()} != {"ready"})


async def test_a_reload_that_is_broken_off_leaves_no_servers_behind(upstream: ScriptedUpstream, tmp_path: Path):
    async with gateway_in_process(tmp_path, document(upstream), POLICIES) as gateway:
        before = gateway.gateway.services
        hubs: list[Any] = []
        build = runtime_module.build_services

        def remembered(config: Any, hub: Any, *rest: Any) -> Any:
            hubs.append(hub)
            return build(config, hub, *rest)

        with pytest.MonkeyPatch.context() as patch, anyio.CancelScope() as scope:
            patch.setattr(runtime_module, "build_services", remembered)
            patch.setattr(runtime_module, "_settle", cancelling(scope, runtime_module._settle))
            await load(gateway, tmp_path, document(upstream, "demo"))
        assert scope.cancelled_caught
        assert gateway.gateway.services is before
        await eventually(lambda: "ready" not in {status.state for status in hubs[0].statuses()})
        with anyio.fail_after(60):
            await load(gateway, tmp_path, document(upstream, "other"))


def cancelling(scope: anyio.CancelScope, settle: Any) -> Any:
    async def cancelled(generation: Any) -> None:
        scope.cancel()
        await settle(generation)

    return cancelled


async def test_before_its_first_configuration_a_gateway_takes_nobody_in(
    upstream: ScriptedUpstream, tmp_path: Path
):
    config = load_config(write_files(tmp_path, document(upstream), POLICIES))
    async with open_shared(config) as shared, anyio.create_task_group() as tasks:
        gateway = runtime_module.Gateway(shared, tasks)
        for enter in (gateway.admit, gateway.observe):
            with pytest.raises(Overloaded, match="still starting"):
                enter()


async def test_reloads_follow_one_another_and_the_last_one_holds(upstream: ScriptedUpstream, tmp_path: Path):
    async with gateway_in_process(tmp_path, document(upstream), POLICIES) as gateway:
        configs = [
            load_config(write_files(tmp_path, document(upstream, *servers), POLICIES))
            for servers in (("demo",), (), ("other",))
        ]
        async with anyio.create_task_group() as tasks:
            for config in configs:
                tasks.start_soon(gateway.gateway.load, config)
        assert [status.name for status in gateway.gateway.services.hub.statuses()] == ["other"]


async def test_closing_while_a_request_runs_records_it(upstream: ScriptedUpstream, tmp_path: Path):
    settings = document(upstream, "demo")
    async with anyio.create_task_group() as tasks, gateway_in_process(tmp_path, settings, POLICIES) as gateway:
        upstream.add(Turn(calls=(Call("demo__slow_write", {"seconds": 2}),)), Turn(text="never told"))

        async def ask_in_vain() -> None:
            with pytest.raises(openai.APIError):
                await ask(gateway)

        tasks.start_soon(ask_in_vain)
        await upstream.wait_for_requests(1)
        trail = gateway.shared.audit
        await eventually(lambda: gateway.gateway.services.hub is not None)
    assert trail is not None
    config = load_config(write_files(tmp_path, settings, POLICIES))
    async with open_shared(config) as shared:
        runs = await shared.audit.runs()
    assert [run.outcome for run in runs] == ["client_left"]
