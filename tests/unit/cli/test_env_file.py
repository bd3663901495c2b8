from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.setup.env_file import quote, read_env, with_missing
from gateway.config.environment import parse_env
from gateway.errors import ConfigError


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_written_is_read_back(value: str):
    assert parse_env(f"NAME={quote(value)}\n") == ({"NAME": value}, [])


def test_what_is_there_stays_and_what_is_missing_is_added():
    before = "# mine\nA=1\nB='two'"
    after = with_missing(before, {"A": "other", "C": "x y"}, "added")
    assert after == "# mine\nA=1\nB='two'\n\n# added\nC=\"x y\"\n"
    assert parse_env(after)[0] == {"A": "1", "B": "two", "C": "x y"}


def test_a_file_that_has_everything_is_left_as_it_is():
    assert with_missing("A=1", {"A": "2"}, "added") == "A=1"


def test_a_file_that_is_not_there_is_empty(tmp_path: Path):
    assert read_env(tmp_path / ".env") == ("", {})


def test_a_file_that_cannot_be_understood_is_not_added_to(tmp_path: Path):
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    with pytest.raises(ConfigError) as raised:
        read_env(tmp_path / ".env")
    assert raised.value.problems[0].line == 2
