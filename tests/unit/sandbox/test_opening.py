from __future__ import annotations

from sandbox import open_sandbox


async def test_opening_touches_nothing(tmp_path):
    open_sandbox(state_dir=tmp_path / "state", cache_dir=tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


async def test_all_backends_are_built_in_unless_some_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    folders = {"state_dir": tmp_path, "cache_dir": tmp_path}
    assert set(await open_sandbox(**folders).probe()) == {"docker", "bubblewrap", "host"}
    assert set(await open_sandbox(**folders, backends=["docker", "host"]).probe()) == {"docker", "host"}
