from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.workspaces import BOX_UID, Workspaces, folder_name


def test_an_owner_keeps_one_workspace_per_server(tmp_path):
    workspaces = Workspaces(tmp_path)
    mine = workspaces.path_for("files", "agent-1")
    (mine / "kept").touch()
    assert Workspaces(tmp_path).path_for("files", "agent-1") == mine
    assert (mine / "kept").exists()
    assert workspaces.path_for("files", "agent-2") != mine
    assert workspaces.path_for("other", "agent-1") != mine


def test_a_workspace_is_its_boxs_alone(tmp_path):
    path = Workspaces(tmp_path).path_for("files", "agent-1")
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o700
    assert status.st_uid == (BOX_UID if os.geteuid() == 0 else os.geteuid())


def test_the_boxs_user_alone_can_pass_but_not_list_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        path = Workspaces(tmp_path / "new" / "state").path_for("files", "agent-1")
    finally:
        os.umask(before)
    for folder in (path.parent, path.parent.parent):
        status = folder.stat()
        assert stat.S_IMODE(status.st_mode) == (0o710 if os.geteuid() == 0 else 0o700)
        assert status.st_gid == (BOX_UID if os.geteuid() == 0 else os.getegid())
    assert (tmp_path / "new").stat().st_mode & 0o001


@pytest.mark.parametrize(
    "owner", ["", "..", "../../etc", "/etc", "a/b", "x" * 5000, "schlüssel", "nul\0", "con", "\ud800"]
)
def test_any_key_id_gets_a_folder_inside(tmp_path, owner):
    path = Workspaces(tmp_path).path_for(owner, owner)
    assert path.resolve().is_relative_to(tmp_path.resolve() / "workspaces")
    assert path.is_dir()


@given(st.text(), st.text())
def test_no_two_names_share_a_folder(one, other):
    assert (folder_name(one) == folder_name(other)) == (one == other)


def test_an_empty_workspace_is_new_and_goes_away_with_what_was_put_there(tmp_path):
    workspaces = Workspaces(tmp_path)
    with workspaces.empty() as first, workspaces.empty() as second:
        assert first != second
        assert list(first.iterdir()) == []
        assert stat.S_IMODE(first.stat().st_mode) == 0o700
        (first / "left").mkdir()
        (first / "left" / "over").touch()
    assert not first.exists()


def test_a_workspace_that_its_box_opened_to_others_is_closed_again(tmp_path):
    path = Workspaces(tmp_path).path_for("files", "agent-1")
    path.chmod(0o7777)
    assert Workspaces(tmp_path).path_for("files", "agent-1") == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_an_empty_workspace_goes_away_however_deep_a_box_has_dug(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    with Workspaces(tmp_path).empty() as path:
        (path / "link").symlink_to(outside)
        os.mkfifo(path / "pipe")
        (path / "closed" / "inside").mkdir(parents=True)
        (path / "closed").chmod(0)
        below = os.open(path, os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("d", dir_fd=below)
            deeper = os.open("d", os.O_RDONLY, dir_fd=below)
            os.close(below)
            below = deeper
        os.close(below)
    assert not path.exists()
    assert (outside / "kept").exists()
