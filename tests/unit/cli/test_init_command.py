from __future__ import annotations

import re
import stat

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.cli.setup.adopting import Adopted
from gateway.cli.setup.clients import ClientFile
from gateway.cli.setup.drafts import checked_drafts
from gateway.cli.setup.machine import FoundProvider, find_ollama, find_providers
from gateway.cli.setup.texts import DEFAULT_POLICY, Choices
from gateway.config import load_config
from gateway.providers import KNOWN_PROVIDERS
from gateway.providers.scripted import serve_scripted_model
from tests.support.shells import Shell
from tool_policies import PolicyFile, load_policies

OPENAI = "sk-openai-0123456789"
SERVER = {"command": "python", "args": ["-m", "mcp_servers.demo"], "env": {"NOTES_TOKEN": "nt-0123456789"}}


def home_with_cursor(shell: Shell) -> None:
    shell.write({"../home/.cursor/mcp.json": orjson.dumps({"mcpServers": {"notes": SERVER}})})


def text(shell: Shell, name: str) -> str:
    return (shell.folder / name).read_text()


def test_in_an_empty_folder_it_writes_what_check_passes(shell: Shell):
    ended = shell.run("init")
    assert ended.status == 0
    assert [line.split()[-1] for line in ended.out.splitlines()[:2]] == ["doctor", "serve"]
    assert ended.out.splitlines()[2].startswith("curl -s http://127.0.0.1:8484/v1/models ")
    assert shell.run("check").status == 0
    config = load_config(shell.folder / "gateway.yaml")
    assert config.warnings == ()
    assert [server.name for server in config.servers] == ["files"]
    assert [key.policies for key in config.keys] == [("default",)]
    if not config.providers.keys() & {"ollama"}:
        assert config.providers["local"].base_url == "http://127.0.0.1:8000/v1"


def test_the_policy_lets_look_but_not_change(shell: Shell):
    shell.run("init")
    config = load_config(shell.folder / "gateway.yaml")
    policy = config.policies.policy_for(["default"])
    assert policy.decide("files/read_file", {"path": "/workspace/a"}).verdict == "allow"
    assert policy.decide("files/write_file", {"path": "/workspace/a"}).verdict == "deny"


def test_secrets_are_in_a_file_of_their_own_for_its_owner_alone(shell: Shell):
    shell.patch.setenv("OPENAI_API_KEY", OPENAI)
    home_with_cursor(shell)
    assert shell.run("init", "--yes").status == 0
    assert stat.S_IMODE((shell.folder / ".env").stat().st_mode) == 0o600
    assert OPENAI in text(shell, ".env")
    assert OPENAI not in text(shell, "gateway.yaml")
    assert "nt-0123456789" not in text(shell, "gateway.yaml")
    shell.patch.delenv("OPENAI_API_KEY")
    config = load_config(shell.folder / "gateway.yaml")
    assert config.providers["openai"].api_key == OPENAI
    assert "nt-0123456789" in config.secrets
    assert len(config.keys[0].secret) > 32


def test_without_leave_no_credential_is_copied(shell: Shell):
    shell.patch.setenv("OPENAI_API_KEY", OPENAI)
    home_with_cursor(shell)
    ended = shell.run("init")
    assert ended.status == 0
    assert OPENAI not in text(shell, ".env")
    assert "notes, of Cursor, is left out: it holds credentials" in ended.err
    assert "hint: to copy credentials to .env without being asked: `toolgate init --yes --force`" in ended.err
    assert shell.run("check").status == 0  # the key is in the environment


def test_what_is_there_is_not_overwritten_unless_forced(shell: Shell):
    shell.write({"gateway.yaml": "mine", ".env": "OTHER=1\n"})
    ended = shell.run("init", "--yes")
    assert ended.status == 1
    assert "gateway.yaml exists already" in ended.err
    assert sorted(path.name for path in shell.folder.iterdir()) == [".env", "gateway.yaml"]
    assert shell.run("init", "--yes", "--force").status == 0
    assert text(shell, "gateway.yaml") != "mine"
    assert text(shell, ".env").startswith("OTHER=1\n\n# ")


def test_a_second_time_the_same_key_is_kept(shell: Shell):
    shell.run("init")
    before = text(shell, ".env")
    assert shell.run("init", "--force").status == 0
    assert text(shell, ".env") == before


def test_an_env_file_that_is_wrong_stops_it_before_anything_is_written(shell: Shell):
    shell.write({".env": "nonsense"})
    ended = shell.run("init")
    assert ended.status == 2
    assert ".env:1: this line does not set a variable" in ended.err
    assert not (shell.folder / "gateway.yaml").exists()


def test_in_a_repository_it_hints_at_ignoring_the_secrets(shell: Shell):
    (shell.folder / ".git").mkdir()
    assert ".gitignore" in shell.run("init").err
    shell.write({".gitignore": ".env\n"})
    assert ".gitignore" not in shell.run("init", "--force").err


def test_it_tells_programs_what_it_did(shell: Shell):
    shell.patch.setenv("OPENAI_API_KEY", OPENAI)
    home_with_cursor(shell)
    told = shell.run("init", "--json", "new").json
    assert [path.rpartition("/")[2] for path in told["written"]] == ["gateway.yaml", "default.yaml", ".env"]
    assert "openai" in told["providers"]
    assert told["left_out"][0]["server"] == "notes"
    assert (shell.folder / "new" / "gateway.yaml").exists()


def test_a_folder_that_cannot_be_written_to_is_an_error_of_one_line(shell: Shell):
    shell.write({"file": ""})
    ended = shell.run("init", "file/sub")
    assert ended.status == 2
    assert ended.err.splitlines()[-1].endswith("cannot be read: Not a directory")


def test_variables_that_are_not_for_models_alone_are_only_mentioned(shell: Shell):
    shell.patch.setenv("GITHUB_TOKEN", "ghp_0123456789")
    assert shell.run("init", "--yes").status == 0
    assert "ghp_" not in text(shell, ".env")
    assert '# github-models: {api_key: "${GITHUB_TOKEN}"}' in text(shell, "gateway.yaml")


def test_of_providers_with_one_variable_the_first_is_found():
    found = list(find_providers({"MOONSHOT_API_KEY": "x", "AZURE_OPENAI_API_KEY": "x", "GROQ_API_KEY": " "}))
    assert [(one.row.name, one.is_plain) for one in found] == [("moonshot", True)]


async def test_an_ollama_is_found_by_its_list_of_models():
    async with serve_scripted_model() as url:
        assert await find_ollama(url) == ("toolgate-scripted",)
    assert await find_ollama(url) is None


ROWS = [row for row in KNOWN_PROVIDERS.values() if row.env and row.base_url]
PROVIDERS = st.lists(st.sampled_from(ROWS), unique_by=lambda row: row.env, max_size=4)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(providers=PROVIDERS, ollama=st.none() | st.just(()), argument=TEXT, value=TEXT, path=TEXT)
@example(providers=[], ollama=None, argument="0o17", value="1e5", path="x")  # numbers in YAML 1.2, not in 1.1
def test_whatever_is_found_the_files_are_right(
    tmp_path_factory: pytest.TempPathFactory,
    providers: list,
    ollama: tuple[str, ...] | None,
    argument: str,
    value: str,
    path: str,
):
    folder = tmp_path_factory.getbasetemp()
    found = [FoundProvider(row, row.env, is_plain=True) for row in providers]
    file = ClientFile("Cursor", folder / path.replace("/", "|"), folder)
    entry = {"command": "npx", "args": [argument.replace("${", "$$")], "env": {"A": value.replace("${", "")}}
    server = Adopted("one", entry, {}, file)
    variables = {"TOOLGATE_KEY": "k" * 32, **{one.variable: "sk-0123456789" for one in found}}
    drafts = checked_drafts(folder, "", Choices(found, found, ollama, [server]), variables, {})
    assert [draft.path.name for draft in drafts] == ["gateway.yaml", "default.yaml", ".env"]


def test_what_stands_in_comments_is_right_as_well():
    text = re.sub(r"^(\s*)# (rules:|  - \{id|deny:|- \")", r"\1\2", DEFAULT_POLICY, flags=re.MULTILINE)
    policies, findings = load_policies([PolicyFile("default.yaml", text)])
    assert [finding for finding in findings if finding.severity == "error"] == []
    policy = policies.policy_for(["default"])
    assert policy.decide("files/write_file", {"path": "/workspace/a"}).verdict == "allow"
    assert policy.decide("files/write_file", {"path": "/etc/a"}).rule == "default/inside-workspace"
    assert policy.decide("github/delete_repository", {}).rule == "default/deny"
