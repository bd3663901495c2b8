from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.cli.setup.writing import Draft, write_all


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_files_are_written_with_their_modes_and_nothing_else_is(tmp_path: Path):
    write_all(
        [Draft(tmp_path / "a.yaml", "a: é\n"), Draft(tmp_path / "deep" / "er" / ".env", "B=1\n", mode=0o600)]
    )
    assert tree(tmp_path) == {"a.yaml": "a: é\n", "deep/er/.env": "B=1\n"}
    assert stat.S_IMODE((tmp_path / "deep" / "er" / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "a.yaml").stat().st_mode) == 0o644


def test_what_was_there_is_replaced(tmp_path: Path):
    (tmp_path / "a").write_text("old")
    write_all([Draft(tmp_path / "a", "new")])
    assert tree(tmp_path) == {"a": "new"}


def test_a_file_that_cannot_be_written_is_named_as_it_was_to_be(tmp_path: Path):
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match=r"taken/a\.yaml'$"):
        write_all([Draft(tmp_path / "taken" / "a.yaml", "new")])


def test_when_one_cannot_be_put_in_place_all_is_as_it_was(tmp_path: Path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_all(
            [Draft(tmp_path / "a", "new"), Draft(tmp_path / "sub" / "b", "new"), Draft(tmp_path / "taken", "")]
        )
    assert tree(tmp_path) == {"a": "old"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "taken"]


def test_when_one_cannot_be_staged_none_is_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_all([Draft(tmp_path / "a", "new"), Draft(tmp_path / "file" / "b", "new")])
    assert tree(tmp_path) == {"file": ""}


def test_a_symbolic_link_stays_one(tmp_path: Path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_all([Draft(tmp_path / "link", "new")])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
