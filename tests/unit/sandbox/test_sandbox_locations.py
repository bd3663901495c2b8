from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.locations import default_cache_dir, default_state_dir
from sandbox.spec import SandboxError


def test_root_uses_the_systems_folders_because_boxes_cannot_pass_its_home():
    environ = {"XDG_STATE_HOME": "/srv/state", "HOME": "/srv"}
    assert default_state_dir(environ, uid=0) == Path("/var/lib/toolgate")
    assert default_cache_dir(environ, uid=0) == Path("/var/cache/toolgate")


def test_others_use_the_xdg_folders():
    environ = {"XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/c", "HOME": "/home/me"}
    assert default_state_dir(environ, uid=1000) == Path("/s/toolgate")
    assert default_cache_dir(environ, uid=1000) == Path("/c/toolgate")


def test_relative_xdg_folders_are_ignored():
    environ = {"XDG_STATE_HOME": "state", "HOME": "/home/me"}
    assert default_state_dir(environ, uid=1000) == Path("/home/me/.local/state/toolgate")
    assert default_cache_dir(environ, uid=1000) == Path("/home/me/.cache/toolgate")


@pytest.mark.parametrize(("find", "setting"), [(default_state_dir, "state_dir"), (default_cache_dir, "cache_dir")])
def test_a_user_that_has_no_home_is_told_what_to_set(find, setting: str, monkeypatch: pytest.MonkeyPatch):
    def unknown() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", unknown)
    with pytest.raises(SandboxError, match="no home folder") as caught:
        find({}, uid=54321)
    assert f"storage.{setting}" in str(caught.value.hint)
