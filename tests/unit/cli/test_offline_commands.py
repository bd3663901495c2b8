"""Commands that read files and start nothing: check, policy, config."""

from __future__ import annotations

import orjson
import pytest

from tests.support.shells import CONFIG, POLICIES, SECRET, Shell


def test_check_passes_what_is_right(configured: Shell):
    ended = configured.run("check")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == "0 errors, 0 warnings\n"


def test_check_shows_every_mistake_with_its_place(configured: Shell):
    configured.write({"gateway.yaml": CONFIG.replace("keys:", "kyes:").replace("tiny: local", "tiny: locl")})
    ended = configured.run("check")
    assert ended.status == 2
    assert "error: gateway.yaml:5: models.tiny: no provider has this name" in ended.err
    assert "error: gateway.yaml:6: kyes: there is no such setting" in ended.err
    assert "hint: did you mean keys?" in ended.err


def test_check_gives_mistakes_and_warnings_as_json(configured: Shell):
    configured.write({"policies.yaml": POLICIES.replace("files/read_*", "*/*")})
    ended = configured.run("check", "--json")
    assert ended.status == 0
    (warning,) = ended.json["warnings"]
    assert (warning["file"], warning["line"]) == ("policies.yaml", 3)
    assert ended.json["errors"] == []


def test_check_finds_what_only_shows_when_providers_are_made(configured: Shell):
    configured.write({"gateway.yaml": CONFIG.replace('local: {base_url: "http://127.0.0.1:9/v1"}', "local: {}")})
    ended = configured.run("check")
    assert ended.status == 2
    assert "gateway.yaml:3: providers.local: the provider 'local' is not in toolgate's table" in ended.err


def test_a_dialect_that_there_is_not_is_told_where_it_stands(configured: Shell):
    configured.write({"gateway.yaml": CONFIG.replace("local: {", "local: {dialect: openai, ")})
    ended = configured.run("check")
    assert ended.status == 2
    assert (
        "gateway.yaml:3: providers.local.dialect: no dialect is called 'openai'; there are openai_chat,"
        in ended.err
    )
    assert "error: gateway.yaml:3: providers.local.dialect: no dialect" in configured.run("providers").err


def test_a_policy_is_explained_without_any_server(configured: Shell):
    allowed = configured.run("policy", "explain", "--tool", "files/read_file", "--args", '{"path": "a"}')
    assert allowed.status == 0
    assert allowed.out.startswith("ALLOW files/read_file\n  by readers/allow")
    refused = configured.run("policy", "explain", "--tool", "nowhere/write", "--json")
    assert refused.status == 1
    assert refused.json["key"] == "agent-1"
    assert refused.json["decision"]["rule"] == "default-deny"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--tool", "files"], "--tool: 'files' is not the name of a tool"),
        (["--tool", "files/x", "--args", "{"], "--args: the arguments are not valid JSON"),
        (["--tool", "files/x", "--args", "[]"], "--args: the arguments must be a JSON object"),
        (["--tool", "files/x", "--key", "agent1"], "there is no key 'agent1'"),
    ],
)
def test_what_cannot_be_explained_is_wrong_usage(arguments: list[str], error: str, configured: Shell):
    ended = configured.run("policy", "explain", *arguments)
    assert ended.status == 2
    assert error in ended.err


def test_a_key_has_to_be_chosen_where_there_are_several(configured: Shell):
    configured.write(
        {"gateway.yaml": CONFIG.replace("policy_files", "  other: {secret: other-0123456789}\npolicy_files")}
    )
    ended = configured.run("policy", "explain", "--tool", "files/x")
    assert ended.status == 2
    assert "say which with --key: agent-1, other" in ended.err
    ended = configured.run("policy", "explain", "--tool", "files/x", "--key", "agent-2")
    assert "did you mean agent-1?" in ended.err


def test_schemas_are_json_on_standard_output(shell: Shell):
    assert shell.run("config", "schema").json["title"] == "toolgate configuration"
    assert "policies" in orjson.loads(shell.run("config", "schema", "--policies").out)["properties"]


def test_no_command_tells_a_secret(configured: Shell):
    for arguments in (["check"], ["policy", "explain", "--tool", "a/b"], ["runs"]):
        ended = configured.run(*arguments)
        assert SECRET not in ended.out + ended.err
