from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from gateway.config import (
    Config,
    HttpServerConfig,
    KeyConfig,
    LimitsConfig,
    Listen,
    ModelTarget,
    ProviderConfig,
    StdioServerConfig,
    load_config,
)
from gateway.tool_loop.limits import LoopLimits
from sandbox.spec import StdioServer
from tests.unit.config.folders import ENVIRON, SECRET, Folder


def test_the_example_is_read_as_written(example: Config, folder: Folder):
    assert example.path == folder.path / "gateway.yaml"
    assert example.listen == Listen("127.0.0.1", 8484)
    assert example.providers == {
        "openai": ProviderConfig("openai", api_key="openai-secret"),
        "local": ProviderConfig("local", dialects=("openai_chat",), base_url="http://127.0.0.1:9000/v1"),
    }
    assert example.models == {"fast": (ModelTarget("local", "tiny"),), "gpt-*": (ModelTarget("openai"),)}
    assert example.keys == (KeyConfig("agent-1", SECRET, ("*",), ("readers",), "auto"),)
    assert example.warnings == ()
    assert example.limits == LimitsConfig()
    assert example.operator_token is None


def test_its_servers_are_what_clients_would_start(example: Config):
    files, time, remote = example.servers
    assert files == StdioServerConfig(
        "files",
        StdioServer(
            "files",
            "npx",
            ("-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"),
            workspace="/workspace",
        ),
    )
    assert time == StdioServerConfig("time", StdioServer("time", "uvx", ("mcp-server-time==2026.10.19",)))
    assert remote == HttpServerConfig(
        "remote", "http://127.0.0.1:9100/mcp", {"Authorization": "Bearer remote-secret"}
    )


def test_its_policies_are_compiled(example: Config):
    policy = example.policies.policy_for(example.keys[0].policies)
    assert policy.decide("files/read_file", {}).verdict == "allow"
    assert policy.decide("files/write_file", {}).verdict == "deny"


def test_each_part_can_be_found_again_in_its_file(example: Config):
    file = str(example.path)
    assert example.locate(("providers", "openai")) == (file, 4)
    assert example.locate(("mcpServers", "time", "args", 0)) == (file, 11)
    assert example.locate(("keys", "agent-1", "nothing here")) == (file, 14)
    problem = example.problem(("providers", "local"), "is not known", "set kind")
    assert str(problem) == f"{file}:5: providers.local: is not known\n  hint: set kind"


def test_nothing_secret_is_in_its_repr(example: Config):
    shown = repr(example)
    assert not [secret for secret in ENVIRON.values() if secret in shown]
    assert "127.0.0.1:9100" not in shown  # a URL may hold a credential, too


def test_it_says_what_must_not_get_into_logs(example: Config):
    assert set(example.secrets) == {SECRET, "openai-secret", "remote-secret"}


def test_a_configuration_cannot_be_changed(example: Config):
    with pytest.raises(FrozenInstanceError):
        example.keys = ()  # type: ignore[misc]


def test_state_is_kept_where_the_system_keeps_it(folder: Folder):
    config = folder.load_with("storage: {state_dir: state, cache_dir: /var/cache/x, audit: {jsonl: audit.jsonl}}")
    storage = config.storage
    assert storage.state_dir == folder.path / "state"
    assert storage.cache_dir == Path("/var/cache/x")
    assert storage.database == f"sqlite:///{folder.path}/state/toolgate.db"
    assert storage.audit_jsonl == folder.path / "audit.jsonl"


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("data/x.db", "sqlite:///{folder}/data/x.db"),
        ("/data/x.db", "sqlite:////data/x.db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("postgresql+psycopg://u:p@db/x", "postgresql+psycopg://u:p@db/x"),
    ],
)
def test_a_database_is_a_path_or_a_url(folder: Folder, written: str, url: str):
    config = folder.load_with(f"storage: {{database: '{written}'}}")
    assert config.storage.database == url.format(folder=folder.path)
    assert "u:p@" not in repr(config)


def test_the_limits_of_a_run_are_those_of_the_tool_loop():
    ours, theirs = LimitsConfig(), LoopLimits()
    names = (
        "rounds",
        "calls",
        "concurrent_calls",
        "wall_clock_seconds",
        "tool_call_seconds",
        "result_bytes",
        "repeats",
    )
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}


def test_sections_with_nothing_beneath_them_are_as_good_as_none(folder: Folder):
    config = folder.load_with("providers:\n  openai:\nmodels:\nmcpServers:\nlimits:\nlisten:\npolicy_files:\n")
    assert config.providers == {"openai": ProviderConfig("openai")}
    assert (config.models, config.servers) == ({}, ())


def test_models_have_targets_in_order(folder: Folder):
    config = folder.load_with(
        """\
        providers: {a: {base_url: "https://a.example/v1"}, b: {base_url: "https://b.example/v1"}}
        models:
          one: a
          two: {provider: b, model: big}
          three: [a, {provider: b, model: big}]
        """
    )
    assert config.models == {
        "one": (ModelTarget("a"),),
        "two": (ModelTarget("b", "big"),),
        "three": (ModelTarget("a"), ModelTarget("b", "big")),
    }


def test_a_second_account_of_a_known_provider_says_which_it_is(folder: Folder):
    config = folder.load_with("providers: {work: {kind: openai, api_key: k, timeout: {first_byte: 30}}}")
    provider = config.providers["work"]
    assert (provider.kind, provider.timeouts.first_byte, provider.timeouts.connect) == ("openai", 30.0, 10.0)


@pytest.mark.parametrize(
    ("written", "dialects"),
    [("", ()), (", dialect: a", ("a",)), (", dialect: [a]", ("a",)), (", dialect: [b, a]", ("b", "a"))],
)
def test_a_provider_speaks_one_dialect_or_several(folder: Folder, written: str, dialects: tuple[str, ...]):
    config = folder.load_with(f"providers: {{local: {{base_url: 'http://127.0.0.1:9/v1'{written}}}}}")
    assert config.providers["local"].dialects == dialects


def test_a_json_file_is_read_as_well(folder: Folder):
    key = f'{{"a": {{"secret": "{SECRET}"}}}}'
    path = folder.write("gateway.json", f'{{\n\t"version": 1, // ours\n\t"keys": {key},\n}}')
    assert load_config(path, environ=ENVIRON).keys[0].name == "a"


def test_without_a_name_the_file_in_the_working_directory_is_read(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    folder.write("gateway.yaml", f"version: 1\nkeys: {{a: {{secret: {SECRET}}}}}\n")
    monkeypatch.chdir(folder.path)
    assert load_config(None, environ=ENVIRON).path == Path("gateway.yaml")
