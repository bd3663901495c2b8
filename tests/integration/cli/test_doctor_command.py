from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import anyio.from_thread
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.providers.scripted.serving import serve_app
from tests.support.shells import POLICIES, SECRET, Ended, Shell

CREDENTIAL = "sk-credential-0123456789"


def configure(shell: Shell, **parts: Any) -> None:
    document: dict[str, Any] = {
        "version": 1,
        "listen": {"port": 0},
        "keys": {"agent-1": {"secret": SECRET, "policies": ["readers"]}},
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": "state", "cache_dir": "cache"},
        **parts,
    }
    shell.write({"gateway.yaml": yaml.safe_dump(document), "policies.yaml": POLICIES})


def findings(ended: Ended, area: str) -> list[Mapping[str, Any]]:
    return [one for one in ended.json["findings"] if one["area"] == area]


def only(ended: Ended, area: str) -> Mapping[str, Any]:
    (found,) = findings(ended, area)
    return found


def python(script: str, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": ["-c", script], "sandbox": {"backend": "host"}, **more}


async def _refuse(request: Request) -> JSONResponse:
    return JSONResponse({"error": {"message": f"bad key {request.headers['authorization']}"}}, status_code=401)


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


@pytest.fixture
def origin() -> Iterator[str]:
    """A server that refuses every key, and says that it is well as a toolgate does."""
    app = Starlette(routes=[Route("/v1/models", _refuse), Route("/healthz", _health)])
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_app(app)) as url,
    ):
        yield url


def test_a_machine_on_which_all_is_well_passes(shell: Shell, scripted_url: str):
    server = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    configure(shell, providers={"local": {"base_url": scripted_url}}, mcpServers={"demo": server})
    ended = shell.run("doctor", "--json")
    assert ended.status == 0
    assert ended.json["ok"] is True
    assert only(ended, "provider")["message"] == "answers, and has 1 model"
    assert only(ended, "server")["message"] == "ready, 6 tools, in host"
    assert [one["state"] for one in findings(ended, "storage")] == ["ok"] * 3
    assert ended.err == ""
    unconfined = [one for one in findings(ended, "configuration") if one["state"] == "warn"]
    assert "runs outside any sandbox" in unconfined[0]["message"]


def test_looking_leaves_nothing_behind(shell: Shell):
    configure(shell)
    shell.run("doctor")
    assert sorted(path.name for path in shell.folder.iterdir()) == ["gateway.yaml", "policies.yaml"]


def test_people_get_a_line_for_each_thing_and_a_hint_below_it(shell: Shell):
    configure(shell, mcpServers={"remote": {"url": "http://127.0.0.1:9/mcp"}})
    ended = shell.run("doctor")
    assert ended.status == 1
    lines = ended.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("fail  server remote: down: "))
    assert lines[at + 1].startswith("      hint: is it running")
    assert ended.err.splitlines()[-1].endswith("1 failure")


def test_a_wrong_configuration_is_a_failure_with_its_place(shell: Shell):
    configure(shell, kyes={})
    ended = shell.run("doctor", "--json")
    assert ended.status == 1
    wrong = findings(ended, "configuration")[0]
    assert wrong["state"] == "fail"
    assert wrong["subject"].startswith("gateway.yaml:")
    assert wrong["message"] == "kyes: there is no such setting"
    assert wrong["hint"] == "did you mean keys?"
    assert findings(ended, "sandbox")  # what does not depend on it is looked at all the same


def test_a_provider_out_of_reach_is_a_failure(shell: Shell):
    configure(shell, providers={"local": {"base_url": "http://127.0.0.1:9/v1"}})
    found = only(shell.run("doctor", "--json"), "provider")
    assert found["state"] == "fail"
    assert "no connection could be made" in found["message"]


def test_a_key_that_a_provider_refuses_is_not_shown(shell: Shell, origin: str):
    configure(shell, providers={"local": {"base_url": f"{origin}/v1", "api_key": CREDENTIAL}})
    ended = shell.run("doctor", "--json")
    found = only(ended, "provider")
    assert found["message"] == "does not take the key (HTTP 401)"
    assert "providers.local.api_key" in found["hint"]
    assert CREDENTIAL not in ended.out + ended.err


def test_a_provider_without_a_list_of_models_is_a_warning(shell: Shell, origin: str):
    configure(shell, providers={"local": {"base_url": f"{origin}/elsewhere"}})
    found = only(shell.run("doctor", "--json"), "provider")
    assert (found["state"], found["message"]) == ("warn", "answers, but does not list its models (HTTP 404)")


def test_a_provider_that_toolgate_does_not_know_is_a_failure(shell: Shell):
    configure(shell, providers={"opnai": {"api_key": CREDENTIAL}})
    found = only(shell.run("doctor", "--json"), "provider")
    assert "did you mean openai" in found["message"]


def test_a_taken_port_is_a_failure_that_names_it(shell: Shell):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        configure(shell, listen={"port": port})
        found = only(shell.run("doctor", "--json"), "listen")
    assert found["state"] == "fail"
    assert found["message"] == f"port {port} on 127.0.0.1 is taken"


def test_a_toolgate_that_runs_already_is_no_failure(shell: Shell, origin: str):
    configure(shell, listen={"port": int(origin.rpartition(":")[2])})
    found = only(shell.run("doctor", "--json"), "listen")
    assert (found["state"], found["message"]) == ("ok", "a toolgate listens there")


def test_a_folder_that_cannot_be_written_to_is_a_failure(shell: Shell):
    shell.write({"state": b"a file"})
    configure(shell)
    found = findings(shell.run("doctor", "--json"), "storage")[0]
    assert found["state"] == "fail"
    assert "Not a directory" in found["message"]


def test_a_server_that_dies_shows_its_last_words_without_secrets(shell: Shell):
    script = f"import sys; print('no good: {CREDENTIAL}', file=sys.stderr); sys.exit(3)"
    configure(shell, mcpServers={"broken": python(script, env={"API_KEY": CREDENTIAL})})
    ended = shell.run("doctor", "--json")
    down, held = findings(ended, "server")
    assert down["state"] == "fail"
    assert down["message"].startswith("down: ")
    assert down["lines"] == ["no good: [redacted]"]
    assert (held["state"], "API_KEY" in held["message"]) == ("warn", True)
    assert CREDENTIAL not in ended.out + ended.err


def test_a_server_that_takes_too_long_is_given_up(shell: Shell):
    configure(shell, mcpServers={"slow": python("import sys; sys.stdin.read()")})
    found = only(shell.run("doctor", "--json", "--timeout", "1"), "server")
    assert found["message"].startswith("not ready within 1 s")
    assert found["hint"] == "wait longer with --timeout"


def test_a_disabled_server_is_not_started(shell: Shell):
    configure(shell, mcpServers={"off": python("raise SystemExit", disabled=True)})
    ended = shell.run("doctor", "--json")
    assert ended.status == 0
    assert only(ended, "server")["message"] == "disabled"


def test_a_key_without_policies_is_a_warning(shell: Shell):
    configure(shell, keys={"idle": {"secret": SECRET}, "quiet": {"secret": SECRET[::-1], "tools": "off"}})
    idle, quiet = findings(shell.run("doctor", "--json"), "keys")
    assert (idle["state"], quiet["state"]) == ("warn", "ok")


def test_a_server_that_wants_tokens_and_cannot_be_reached_is_a_failure(shell: Shell):
    remote = {"url": "http://127.0.0.1:1/mcp", "auth": {"type": "oauth"}}
    configure(shell, mcpServers={"notes": remote, "off": {**remote, "disabled": True}})
    off, notes = sorted(
        findings(shell.run("doctor", "--json"), "server"), key=lambda one: one["state"], reverse=True
    )
    assert (notes["state"], notes["subject"]) == ("fail", "notes")
    assert "could not be reached" in notes["message"]
    assert (off["state"], off["message"]) == ("ok", "disabled")
