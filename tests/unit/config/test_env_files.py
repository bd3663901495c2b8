from __future__ import annotations

import pytest

from gateway.config import load_config
from gateway.config.environment import parse_env
from tests.unit.config.folders import ENVIRON, Folder


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("A = 1 ", "1"),
        ("  export A=1", "1"),
        ("A=", ""),
        ("A=a b", "a b"),
        ("A=a # comment", "a"),
        ("A=a#b", "a#b"),
        ("A=# comment", ""),
        ("A='a # b\\n'  # comment", "a # b\\n"),
        ('A="a # b\\n\\"c\\"\\\\"', 'a # b\n"c"\\'),
        ('A=""', ""),
        ("A=${B}", "${B}"),
        ("A=b=c", "b=c"),
        ("A=it's", "it's"),
        ("A=1\r", "1"),
    ],
)
def test_a_line_sets_a_variable(line: str, value: str):
    assert parse_env(f"# first\n\n{line}\n") == ({"A": value}, [])


@pytest.mark.parametrize("line", ["A", "=1", "1A=1", "A-B=1", "A='x", 'A="x', "A='x' y", "A: 1"])
def test_any_other_line_is_a_mistake(line: str):
    variables, faults = parse_env(f"B=1\n{line}\n")
    assert variables == {"B": "1"}
    assert [number for number, _ in faults] == [2]


def test_a_mistake_never_quotes_the_line():
    assert "hush" not in str(parse_env("hush\nA='hush\n")[1])


def test_the_process_goes_before_the_file(folder: Folder):
    folder.write(".env", "FIRST=file\nSECOND=file\n")
    config = folder.load_with('providers: {a: {api_key: "${FIRST}-${SECOND}"}}', FIRST="process")
    assert config.providers["a"].api_key == "process-file"
    assert config.warnings == ()


def test_a_file_that_others_can_read_is_warned_about(folder: Folder):
    path = folder.write(".env", "A=1\n", mode=0o640)
    (warning,) = folder.load_with("").warnings
    assert (warning.file, warning.hint) == (str(path), f"chmod 600 {path}")


def test_mistakes_in_it_are_told_with_their_lines(folder: Folder):
    path = folder.write(".env", "A=1\nnonsense\n")
    (problem,) = folder.problems_with("")
    assert (problem.file, problem.line, problem.hint) == (str(path), 2, "write NAME=value")


def test_a_file_that_cannot_be_read_is_a_mistake(folder: Folder):
    folder.write(".env", b"A=\xff\n")
    (problem,) = folder.problems_with("")
    assert (problem.line, problem.message) == (1, "byte 3 of this line is not UTF-8")


def test_secrets_that_init_writes_there_are_found(folder: Folder):
    folder.write(".env", "AGENT=0123456789abcdef\n")
    path = folder.write("gateway.yaml", 'version: 1\nkeys: {a: {secret: "${AGENT}"}}\n')
    assert load_config(path, environ={}).keys[0].secret == "0123456789abcdef"
    assert ENVIRON.get("AGENT") is None
