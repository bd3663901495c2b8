from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sandbox.spec import Mount, SandboxError
from sandbox.store.mounts import check_private, checked_mounts, parse_mount


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/a:/b", Mount(Path("/a"), "/b")),
        ("/a:/b:ro", Mount(Path("/a"), "/b")),
        ("/a b:/b:rw", Mount(Path("/a b"), "/b", writable=True)),
    ],
)
def test_a_mount_is_read_only_unless_it_says_rw(text, mount):
    assert parse_mount(text) == mount


@pytest.mark.parametrize("text", ["", "/a", "/a:", "/a:/b:RW", "/a:/b:rw:x"])
def test_a_mount_of_another_form_is_refused(text):
    with pytest.raises(SandboxError, match="HOST:PATH"):
        parse_mount(text)


def test_a_source_is_resolved_before_it_is_judged(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert checked_mounts([Mount(tmp_path / "link", "/data/")]) == (Mount((tmp_path / "real").resolve(), "/data"),)


@pytest.mark.parametrize(
    "source", ["/", "/proc", "/proc/self", "/sys", "/dev", "/dev/null", "/etc", "/etc/passwd", "/run"]
)
def test_some_parts_of_the_host_are_never_mounted(tmp_path, source):
    link = tmp_path / "link"
    link.symlink_to(source)
    for path in (Path(source), link):
        with pytest.raises(SandboxError):
            checked_mounts([Mount(path, "/data")])


def test_neither_sockets_nor_pipes_are_mounted(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            with pytest.raises(SandboxError, match="regular files"):
                checked_mounts([Mount(tmp_path / name, "/data")])


@pytest.mark.parametrize("source", ["relative", ".", "volume-name", "/does/not/exist"])
def test_a_source_must_be_there(source):
    with pytest.raises(SandboxError):
        checked_mounts([Mount(Path(source), "/data")])


@pytest.mark.parametrize(
    "target",
    ["", "data", "/", "//", "//data", "/data/../usr", "/usr/lib", "/proc", "/opt/server", "/opt/server/x", "/etc"],
)
def test_a_target_must_not_replace_what_the_box_is_made_of(tmp_path, target):
    with pytest.raises(SandboxError, match="target"):
        checked_mounts([Mount(tmp_path, target)])


def test_two_mounts_need_two_targets(tmp_path):
    with pytest.raises(SandboxError, match="same target"):
        checked_mounts([Mount(tmp_path, "/data"), Mount(tmp_path, "/data/")])


def test_a_workspace_is_a_target_like_any_other(tmp_path):
    assert checked_mounts([Mount(tmp_path, "/data")], "/workspace") == (Mount(tmp_path.resolve(), "/data"),)
    for workspace in ("/data", "/usr", "relative", "/workspace/../etc"):
        with pytest.raises(SandboxError, match="target"):
            checked_mounts([Mount(tmp_path, "/data")], workspace)


@pytest.mark.parametrize(
    ("source", "writable", "whose"),
    [
        ("state", False, "state folder"),
        ("state/workspaces/files", True, "state folder"),
        ("", False, "state folder"),
        ("cache", True, "cache folder"),
        ("cache/store/npm", True, "cache folder"),
        ("engine", False, "socket of the container engine"),
    ],
)
def test_what_is_ours_or_the_engines_is_mounted_nowhere(tmp_path, source, writable, whose):
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/engine/docker.sock"}
    mount = Mount(tmp_path / source, "/data", writable=writable)
    with pytest.raises(SandboxError, match=whose):
        check_private([mount], state_dir=tmp_path / "state", cache_dir=tmp_path / "cache", environ=environ)


@pytest.mark.parametrize(
    "address", ["", "tcp://127.0.0.1:2375", "unix://relative", "unix:///elsewhere/docker.sock"]
)
def test_other_folders_beside_ours_can_be_mounted(tmp_path, address):
    mounts = [Mount(tmp_path / "statement", "/a", writable=True), Mount(tmp_path / "cache", "/b")]
    check_private(
        mounts, state_dir=tmp_path / "state", cache_dir=tmp_path / "cache", environ={"DOCKER_HOST": address}
    )
