"""Runs agents' own programs as people do who have nothing but a key, in a home of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tests.support.gateways import SECRET

_LONGEST = 60  # seconds for one run; an ordinary one takes two


@dataclass(frozen=True)
class Outcome:
    """How a run of a program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def printed(self) -> str:
        return self.stdout + self.stderr

    @property
    def report(self) -> Any:
        """What the program says of its run, where it says it as one JSON value."""
        return json.loads(self.stdout)


async def run_program(argv: Sequence[str], environ: Mapping[str, str], folder: Path) -> Outcome:
    """Run a program with this environment and no other, in this folder, to its end."""
    with anyio.fail_after(_LONGEST):
        done = await anyio.run_process(
            argv, env=dict(environ), cwd=folder, check=False, stdin=subprocess.DEVNULL, start_new_session=True
        )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def bare_environ(home: Path) -> dict[str, str]:
    """Nothing of ours but where programs are."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}


async def claude_code(
    program: str,
    origin: str,
    folder: Path,
    *,
    model: str,
    secret: str = SECRET,
    prompt: str = "Do what you were asked to.",
    allowed: str = "Bash(echo:*)",
    environ: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Outcome:
    """Claude Code, asked one thing; it may run the commands that `allowed` names."""
    home, work = _places(folder)
    whole = {
        **bare_environ(home),
        "ANTHROPIC_BASE_URL": origin,
        "ANTHROPIC_AUTH_TOKEN": secret,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **(environ or {}),
    }
    argv = [program, "-p", prompt, "--model", model, "--allowedTools", allowed, "--output-format", "json", *flags]
    return await run_program(argv, whole, work)


def _places(folder: Path) -> tuple[Path, Path]:
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    return home, work
