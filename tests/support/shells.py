"""Runs the command line in this process, as `toolgate` in a shell would; with the fixtures for that."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.from_thread
import orjson
import pytest

from gateway.cli import main
from gateway.providers.scripted import serve_scripted_model

SECRET = "agent-secret-0123456789"
POLICIES = "version: 1\npolicies:\n  readers: {allow: ['files/read_*']}\n"
CONFIG = f"""\
version: 1
providers:
  local: {{base_url: "http://127.0.0.1:9/v1"}}
models:
  tiny: local
keys:
  agent-1: {{secret: {SECRET}, policies: [readers]}}
policy_files: [policies.yaml]
storage: {{state_dir: state, cache_dir: cache}}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A folder to run commands in."""

    folder: Path
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, *arguments: str) -> Ended:
        """Whatever the command does to logging and to signals is undone."""
        self.captured.readouterr()
        root, handler = logging.getLogger(), signal.getsignal(signal.SIGTERM)
        handlers, level = list(root.handlers), root.level
        root.handlers.clear()
        try:
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            signal.signal(signal.SIGTERM, handler)
        out, err = self.captured.readouterr()
        assert "Traceback" not in err
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, out, err)


def clean_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    """No variables but those that programs need, and an empty home."""
    for name in list(os.environ):
        if name not in ("PATH", "LANG", "TMPDIR") and not name.startswith(("PYTEST", "DOCKER")):
            patch.delenv(name)
    patch.setenv("HOME", str(home))


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
