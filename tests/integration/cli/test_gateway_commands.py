"""Commands that open a gateway and serve nobody: servers, tools, models."""

from __future__ import annotations

import io
import sys

import pytest
import yaml

from tests.support.shells import SECRET, Shell

POLICY = "version: 1\npolicies:\n  demo: {allow: ['demo/c*', 'demo/list_*'], rules: [RULE]}\n"
RULE = "{id: small, tools: [demo/calculate], require: {properties: {expression: {not: {const: '9'}}}}}"


@pytest.fixture
def demo(shell: Shell) -> Shell:
    """A gateway with the demo's server, and one that dies."""
    configure(shell)
    return shell


def configure(shell: Shell, **parts: object) -> None:
    unconfined = {"command": sys.executable, "sandbox": {"backend": "host"}}
    document = {
        "version": 1,
        "providers": {"local": {"base_url": "http://127.0.0.1:9/v1"}},
        "mcpServers": {"demo": {**unconfined, "args": ["-m", "mcp_servers.demo"]}},
        "keys": {"agent-1": {"secret": SECRET, "policies": ["demo"], "models": ["tiny*"]}},
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": "state", "cache_dir": "cache"},
        **parts,
    }
    shell.write({"gateway.yaml": yaml.safe_dump(document), "policies.yaml": POLICY.replace("RULE", RULE)})


def test_servers_are_started_and_shown(demo: Shell):
    ended = demo.run("servers")
    assert ended.status == 0
    heads, row = ended.out.splitlines()
    assert heads.split() == ["SERVER", "STATE", "TOOLS", "SANDBOX", "WHY"]
    assert row.split() == ["demo", "ready", "6", "host"]
    assert ended.err.splitlines()[-1] == "  demo: ready, 6 tools, in host"


def test_a_server_that_is_down_makes_the_command_fail(demo: Shell):
    configure(demo, mcpServers={"remote": {"url": "http://127.0.0.1:9/mcp"}})
    ended = demo.run("servers", "--json")
    assert ended.status == 1
    assert ended.err == ""
    (server,) = ended.json["servers"]
    assert (server["name"], server["state"]) == ("remote", "down")
    assert server["error"]


def test_only_the_tools_of_a_key_are_listed(demo: Shell):
    told = demo.run("tools", "list", "--json").json["tools"]
    assert [tool["qualified_name"] for tool in told] == ["demo/calculate", "demo/current_time", "demo/list_notes"]
    assert "demo/calculate" in demo.run("tools", "list", "--key", "agent-1").out


def test_a_tool_is_called(demo: Shell):
    ended = demo.run("tools", "call", "demo/calculate", "--args", '{"expression": "6 * 7"}')
    assert ended.status == 0
    assert ended.out == "42\n"
    assert "demo/calculate: ok in " in ended.err


def test_arguments_can_come_from_standard_input(demo: Shell):
    demo.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"expression": "1 + 1"}')))
    assert demo.run("tools", "call", "demo/calculate", "--args", "-").out == "2\n"


@pytest.mark.parametrize(
    ("tool", "arguments", "hint"),
    [
        ("demo/calculat", "{}", "did you mean demo/calculate?"),
        ("nowhere/x", "{}", "`toolgate tools list` shows what this key may use"),
        (
            "demo/write_note",
            "{}",
            "the server has it, but no policy of agent-1 allows it: "
            "see `toolgate policy explain --key agent-1 --tool demo/write_note`",
        ),
        ("demo/calculate", '{"expression": 1}', None),
        (
            "demo/calculate",
            '{"expression": "9"}',
            "`toolgate policy explain --tool demo/calculate --args ...` says why demo/small holds",
        ),
    ],
)
def test_a_call_that_comes_to_nothing_is_a_failure(tool: str, arguments: str, hint: str | None, demo: Shell):
    ended = demo.run("tools", "call", tool, "--args", arguments)
    assert ended.status == 1
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert [line for line in lines if line.startswith("error: ")]
    assert [line for line in lines if line.startswith("hint: ")] == ([] if hint is None else [f"hint: {hint}"])


def test_what_a_key_may_not_use_is_counted(demo: Shell):
    assert "note: 3 more tools, which no policy of agent-1 allows" in demo.run("tools", "list").err.splitlines()


def test_a_call_starts_the_server_of_its_tool_alone(demo: Shell):
    dead = {"command": sys.executable, "args": ["-c", "raise SystemExit(1)"], "sandbox": {"backend": "host"}}
    live = {"command": sys.executable, "args": ["-m", "mcp_servers.demo"], "sandbox": {"backend": "host"}}
    configure(demo, mcpServers={"demo": live, "dead": dead})
    ended = demo.run("tools", "call", "demo/calculate", "--args", '{"expression": "1 + 1"}')
    assert (ended.status, ended.out) == (0, "2\n")
    assert "dead" not in ended.err
    ended = demo.run("tools", "call", "dead/calculate")
    assert ended.status == 1
    assert ended.err.splitlines()[-1] == "hint: its server is down: `toolgate doctor` says more"


@pytest.mark.parametrize("arguments", [("tools", "list"), ("tools", "call", "demo/calculate")])
def test_no_server_is_started_for_a_key_that_is_not_there(arguments: tuple[str, ...], demo: Shell):
    ended = demo.run(*arguments, "--key", "agent-2")
    assert ended.status == 2
    assert ended.err.splitlines() == ["error: there is no key 'agent-2'", "hint: did you mean agent-1?"]
    assert not (demo.folder / "state").exists()


def test_models_are_those_of_the_providers(demo: Shell, scripted_url: str):
    configure(demo, providers={"local": {"base_url": scripted_url}})
    told = demo.run("models", "--json").json["models"]
    place = {"provider": "local", "model": "toolgate-scripted"}
    assert told == [
        {"id": "local/toolgate-scripted", "owned_by": "local", "strategy": "priority", "deployments": [place]}
    ]
    assert demo.run("models", "--key", "agent-1", "--json").json["models"] == []


def test_a_provider_that_cannot_be_asked_is_a_warning(demo: Shell):
    ended = demo.run("models")
    assert ended.status == 0
    assert "the provider local failed" in ended.err
