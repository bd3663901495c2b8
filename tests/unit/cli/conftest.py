from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio.from_thread
import pytest

from gateway.providers.scripted import serve_scripted_model
from tests.unit.cli.commands import CONFIG, POLICIES, Shell, clean_environment


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """An empty folder, and a home without anything in it."""
    folder, home = tmp_path / "project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    clean_environment(monkeypatch, home)
    monkeypatch.chdir(folder)
    return Shell(folder, monkeypatch, capsys)


@pytest.fixture
def configured(shell: Shell) -> Shell:
    """A folder with a configuration that is right."""
    shell.write({"gateway.yaml": CONFIG, "policies.yaml": POLICIES})
    return shell


@pytest.fixture
def scripted_url() -> Iterator[str]:
    """The scripted model, served beside the test."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_scripted_model()) as url,
    ):
        yield url
