from __future__ import annotations

import pytest

from tests.unit.config.folders import Folder


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "one"),
        ("${env:A}", "one"),
        ("<${A}${B}>", "<onetwo>"),
        ("${A:-default}", "one"),
        ("${UNSET:-default}", "default"),
        ("${env:UNSET:-default}", "default"),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b}", "a:-b"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A $$ 5$ $(x) $", "$A $$ 5$ $(x) $"),
        ("${NESTED}", "${A}"),
        ("${workspaceFolder}", "/here"),
        ("${sys.executable}", "${sys.executable}"),
        ("${file:secret.txt}", "from a file\n"),
        ("${file:crlf.txt}", "x"),
    ],
)
def test_a_value_is_expanded_once(folder: Folder, written: str, value: str):
    folder.write("secret.txt", "from a file\n\n")
    folder.write("crlf.txt", "x\r\n")
    variables = {"A": "one", "B": "two", "EMPTY": "", "NESTED": "${A}", "workspaceFolder": "/here"}
    assert _expanded(folder, written, **variables) == value


def test_keys_are_left_alone(folder: Folder):
    config = folder.load_with("models: {'${A}': openai}\nproviders: {openai: }", A="one")
    assert list(config.models) == ["${A}"]


def test_a_number_may_come_from_a_variable(folder: Folder):
    config = folder.load_with('listen: {port: "${PORT:-9000}"}\nlimits: {tool_call_seconds: "${T}"}', T="2.5")
    assert (config.listen.port, config.limits.tool_call_seconds) == (9000, 2.5)


def test_a_text_stays_a_text_even_if_it_looks_like_a_number(folder: Folder):
    config = folder.load_with('providers: {a: {api_key: "${KEY}"}}', KEY="0123")
    assert config.providers["a"].api_key == "0123"


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("${UNSET}", "the variable UNSET is not set", "export UNSET"),
        ("${env:UNSET}", "the variable UNSET is not set", "${UNSET:-...}"),
        ("${UNSET", "not closed", "$${"),
        ("${A:-${B}}", "holds another", "$${"),
        ("${}", "not understood", "${NAME}"),
        ("${A B}", "not understood", "${NAME}"),
        ("${A:?message}", "not understood", "${NAME:-default}"),
        ("${input:my token}", "an editor that can ask", "MY_TOKEN"),
        ("${command:x}", "an editor that can ask", "${X}"),
        ("${workspaceFolder}", "known to an editor only", "the path itself"),
        ("${file:nope}", "the file nope: there is no such file", "folder of the gateway's file"),
        ("${file:large.txt}", "larger than 64 KiB", "folder"),
        ("${file:binary}", "not UTF-8", "UTF-8"),
        ("${file:.}", "Is a directory", "folder"),
        ("${file:}", "Is a directory", "folder"),
        ("${BROKEN}", "not valid UTF-8", "plain text"),
    ],
)
def test_what_cannot_be_expanded_is_told_with_its_place(folder: Folder, written: str, message: str, hint: str):
    folder.write("large.txt", "x" * (64 * 1024 + 1))
    folder.write("binary", b"\xff")
    text = f"providers:\n  a:\n    api_key: '{written}'"
    (problem,) = folder.problems_with(text, A="one", B="two", BROKEN="\udcff")
    assert (problem.line, problem.field) == (5, "providers.a.api_key")
    assert message in problem.message
    assert hint in str(problem.hint)


def test_a_number_that_cannot_be_expanded_is_one_mistake(folder: Folder):
    (problem,) = folder.problems_with('listen: {port: "${UNSET}"}')
    assert problem.message == "the variable UNSET is not set"


def test_few_characters_do_not_become_many(folder: Folder):
    folder.write("large.txt", "x" * 64 * 1024)
    arguments = ", ".join(['"${file:large.txt}"'] * 200)
    (problem,) = folder.problems_with(f"mcpServers: {{a: {{command: x, args: [{arguments}]}}}}")[:1]
    assert "too much text" in problem.message


def _expanded(folder: Folder, written: str, **variables: str) -> str:
    (server,) = folder.load_with(f"mcpServers: {{a: {{command: x, args: ['{written}']}}}}", **variables).servers
    return server.server.args[0]  # type: ignore[union-attr]
