from __future__ import annotations

from pathlib import Path

from sandbox.locations import default_cache_dir, default_state_dir


def test_root_uses_the_systems_folders_because_boxes_cannot_pass_its_home():
    environ = {"XDG_STATE_HOME": "/root/state", "HOME": "/root"}
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
