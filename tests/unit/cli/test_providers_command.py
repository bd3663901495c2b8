"""`toolgate providers` and `toolgate models`: what is configured, and whether it answers."""

from __future__ import annotations

import yaml

from tests.support.shells import POLICIES, SECRET, Shell

KEYS = ["sk-first-0123456789", "sk-second-0123456789"]


def configure(shell: Shell, providers: dict, models: dict | None = None) -> None:
    document = {
        "version": 1,
        "providers": providers,
        "models": models or {},
        "keys": {"agent-1": {"secret": SECRET, "policies": ["readers"]}},
        "policy_files": ["policies.yaml"],
        "storage": {"state_dir": "state", "cache_dir": "cache"},
    }
    shell.write({"gateway.yaml": yaml.safe_dump(document, sort_keys=False), "policies.yaml": POLICIES})


def two(scripted_url: str) -> dict:
    return {
        "local": {"base_url": scripted_url, "api_keys": KEYS, "max_concurrency": 4},
        "gone": {"base_url": "http://127.0.0.1:9/v1?key=sk-in-the-url"},
    }


def test_providers_are_listed_without_asking_anybody(shell: Shell):
    configure(shell, two("http://127.0.0.1:9/v1"), {"fast": ["local", "gone"], "slow": "gone"})
    ended = shell.run("providers")
    assert ended.status == 0
    heads, local, gone = ended.out.splitlines()
    assert heads.split() == ["PROVIDER", "DIALECT", "HOST", "CREDENTIALS", "MODELS"]
    assert local.split() == ["local", "openai_chat", "127.0.0.1:9", "2", "keys", "fast"]
    assert gone.split() == ["gone", "openai_chat", "127.0.0.1:9", "none", "fast,", "slow"]


def test_asked_whether_they_answer_those_that_do_not_make_the_command_fail(shell: Shell, scripted_url: str):
    configure(shell, two(scripted_url))
    ended = shell.run("providers", "--check", "--json")
    assert ended.status == 1
    local, gone = ended.json["providers"]
    assert (local["state"], local["message"]) == ("ok", "answers, and has 1 model")
    assert (local["max_concurrency"], local["credentials"]) == (4, "2 keys")
    assert gone["state"] == "fail"
    assert "no connection could be made" in gone["message"]


def test_no_secret_is_shown(shell: Shell, scripted_url: str):
    configure(shell, two(scripted_url))
    for arguments in ([], ["--json"], ["--check"], ["--check", "--json"]):
        ended = shell.run("providers", *arguments)
        assert "sk-" not in ended.out + ended.err


def test_where_all_answer_the_command_succeeds(shell: Shell, scripted_url: str):
    configure(shell, {"local": {"base_url": scripted_url}})
    ended = shell.run("providers", "--check")
    assert ended.status == 0
    assert ended.out.splitlines()[1].endswith("answers, and has 1 model")


def test_a_provider_that_could_not_be_called_is_a_mistake_in_the_file(shell: Shell):
    configure(shell, {"openai": {}})
    ended = shell.run("providers")
    assert ended.status == 2
    assert "providers.openai: set api_key" in ended.err


def test_models_show_their_deployments_and_how_one_is_chosen(shell: Shell):
    models = {
        "smart": {
            "strategy": "weighted",
            "deployments": [{"provider": "local", "model": "big", "weight": 2}, "gone"],
            "fallback": ["fast"],
        },
        "fast": "gone",
    }
    configure(shell, two("http://127.0.0.1:9/v1"), models)
    heads, smart, fast = shell.run("models").out.splitlines()
    assert heads.split() == ["MODEL", "STRATEGY", "DEPLOYMENTS"]
    assert smart.split() == ["smart", "weighted", "local/big,", "gone/smart,", "gone/fast"]
    assert fast.split() == ["fast", "priority", "gone/fast"]
    (told, _) = shell.run("models", "--json").json["models"]
    assert told["deployments"][0] == {"provider": "local", "model": "big"}


def test_hosts_that_are_known_by_name_are_listed_without_a_configuration(shell: Shell):
    ended = shell.run("providers", "--known")
    assert ended.status == 0
    assert ended.out.splitlines()[0].split() == ["PROVIDER", "NAME", "BASE", "URL", "DIALECT", "KEY", "IN"]
    (groq,) = [line.split() for line in ended.out.splitlines() if line.startswith("groq ")]
    assert groq[-3:] == ["https://api.groq.com/openai/v1", "openai_chat", "GROQ_API_KEY"]
    rows = shell.run("providers", "--known", "--json").json["known"]
    assert len([row for row in rows if row["dialects"] == ["openai_chat"]]) >= 60
    assert all(row["source"] and row["date"] for row in rows)
