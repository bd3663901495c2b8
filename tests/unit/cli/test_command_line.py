from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path

import click
import pytest

from gateway.cli import COMMANDS
from gateway.cli.commands import program
from gateway.cli.failures import find_failure, is_interruption
from gateway.cli.output import Failure, as_typed, counted
from gateway.errors import ConfigError, Problem, StoreError, UpstreamTimeout
from sandbox.spec import SandboxError
from tests.support.shells import CONFIG, Shell


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_module_and_a_help_of_its_own(name: str, shell: Shell):
    command = importlib.import_module(f"gateway.cli.{COMMANDS[name][0]}").command
    assert isinstance(command, click.Command)
    ended = shell.run(name, "--help")
    assert ended.status == 0
    assert f"Usage: toolgate {name} " in ended.out


def test_without_a_command_the_help_is_shown(shell: Shell):
    ended = shell.run()
    assert ended.status == 2
    assert "Commands:" in ended.err


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["serv"], "there is no command 'serv'", "did you mean `toolgate serve`?"),
        (["qqq"], "there is no command 'qqq'", "see `toolgate --help`"),
        (["tools", "lst"], "there is no command 'lst'", "did you mean `toolgate tools list`?"),
        (["runs", "sow", "x"], "there is no command 'sow'", "did you mean `toolgate runs show`?"),
        (["serve", "--prot", "1"], "there is no option --prot", "did you mean --host or --port?"),
        (["serve", "--qqq", "1"], "there is no option --qqq", "see `toolgate serve --help`"),
        (["serve", "--port", "x"], "invalid value for '--port'", "see `toolgate serve --help`"),
        (["tools", "call"], "missing argument 'TOOL'", "see `toolgate tools call --help`"),
    ],
)
def test_wrong_usage_says_what_was_probably_meant(arguments: list[str], error: str, hint: str, shell: Shell):
    ended = shell.run(*arguments)
    assert ended.status == 2
    assert ended.out == ""
    first, last = ended.err.splitlines()
    assert first.startswith(f"error: {error}")
    assert last == f"hint: {hint}"


def test_hints_name_the_command_as_it_can_be_typed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", [".venv/bin/toolgate", "serve"])
    monkeypatch.setenv("PATH", "/nonexistent")
    assert as_typed("run `toolgate init`, see `serve`") == "run `.venv/bin/toolgate init`, see `serve`"
    monkeypatch.setattr(sys, "argv", ["-m", "serve"])
    assert as_typed("run `toolgate init`") == "run `toolgate init`"


def test_the_command_is_named_for_the_folder_in_which_it_is_to_be_typed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", [".venv/bin/toolgate", "init", "elsewhere"])
    monkeypatch.setenv("PATH", "/nonexistent")
    assert program() == ".venv/bin/toolgate"
    assert program(elsewhere=True) == shlex.quote(str(Path.cwd() / ".venv/bin/toolgate"))


def test_one_is_not_several():
    said = [counted(0, "error"), counted(1, "error"), counted(2, "error"), counted(2, "policy")]
    assert said == ["0 errors", "1 error", "2 errors", "2 policies"]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_is_for_terminals_unless_the_environment_says_otherwise(
    environ: dict[str, str], coloured: bool, shell: Shell
):
    for name, value in environ.items():
        shell.patch.setenv(name, value)
    ended = shell.run("check")
    assert ("\x1b[31merror:\x1b[0m" in ended.err) is coloured
    assert ("\x1b" in ended.err) is coloured


ON_FILES = [["check"], ["serve"], ["models"], ["servers"], ["tools", "list"], ["runs"], ["doctor"]]


@pytest.mark.parametrize("arguments", ON_FILES, ids=" ".join)
def test_a_missing_configuration_names_the_way_to_one(arguments: list[str], shell: Shell):
    ended = shell.run(*arguments)
    assert ended.status == (1 if arguments == ["doctor"] else 2)
    said = ended.out if arguments == ["doctor"] else ended.err
    assert "gateway.yaml: there is no such file" in said
    assert "run `toolgate init`" in said


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("gateway.yaml", b"version: 1\nkeys: \xff\xfe", "gateway.yaml:2: byte 7 of this line is not UTF-8"),
        ("gateway.yaml", b"version: [", "gateway.yaml:2: not valid YAML"),
        ("gateway.yaml", b"\0\0\0", "gateway.yaml"),
        ("gateway.yaml", b"- 1\n", "the file must hold a mapping of settings"),
        ("gateway.yaml/x", b"", "gateway.yaml: cannot be read: Is a directory"),
        (".env", b"nonsense", ".env:1: this line does not set a variable"),
    ],
)
def test_files_that_cannot_be_read_are_named(name: str, content: bytes, error: str, shell: Shell):
    shell.write({name: content})
    ended = shell.run("check")
    assert ended.status == 2
    assert error in ended.err


def test_a_file_that_the_system_does_not_give_out_is_an_error_of_one_line(shell: Shell):
    ended = shell.run("check", "--config", "/proc/self/mem")
    assert ended.status == 2
    assert "error: /proc/self/mem: cannot be read: Input/output error" in ended.err


def test_a_folder_given_as_a_file_is_wrong_usage(shell: Shell):
    ended = shell.run("check", "--config", str(shell.folder))
    assert ended.status == 2
    assert "is a directory" in ended.err


def test_what_went_wrong_is_found_in_groups_of_exceptions():
    failure = Failure("this", hint="that")
    assert find_failure(ExceptionGroup("", [ExceptionGroup("", [failure])])) is failure
    assert find_failure(KeyError("a defect")) is None
    mistake = ConfigError([Problem("gateway.yaml", "is wrong")])
    assert find_failure(BaseExceptionGroup("", [KeyError(), mistake])) is mistake


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/closed"), "/closed: Permission denied"),
        (ConnectionResetError(), "ConnectionResetError"),
        (StoreError("the database is broken"), "the database is broken"),
        (SandboxError("no engine", hint="start it"), "no engine"),
        (UpstreamTimeout("nothing came", provider="local"), "nothing came"),
    ],
)
def test_foreseen_errors_become_words(error: Exception, message: str):
    failure = find_failure(error)
    assert isinstance(failure, Failure)
    assert failure.message == message
    assert failure.status == 1


def test_an_interruption_is_seen_wherever_it_is():
    assert is_interruption(BaseExceptionGroup("", [ValueError(), KeyboardInterrupt()]))
    assert is_interruption(click.Abort())
    assert not is_interruption(ValueError())


def test_a_message_cannot_deceive_a_terminal(shell: Shell):
    shell.write({"gateway.yaml": CONFIG.replace("policies: [readers]", 'policies: ["\\e[2J\\u202e"]')})
    ended = shell.run("check")
    assert "\x1b" not in ended.err
    assert "\u202e" not in ended.err
