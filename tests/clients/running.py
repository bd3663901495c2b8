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

_LONGEST = 120  # seconds for one run; an ordinary one takes two


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


@dataclass(frozen=True)
class CodexOutcome(Outcome):
    """How a run of Codex ended; it tells what it does in one JSON value a line."""

    @property
    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def said(self) -> list[str]:
        """What the model said, message by message."""
        items = [event["item"] for event in self.events if event["type"] == "item.completed"]
        return [item["text"] for item in items if item["type"] == "agent_message"]

    @property
    def errors(self) -> list[str]:
        return [event["message"] for event in self.events if event["type"] == "error"]


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


_CODEX = """
model = "{model}"
web_search = "disabled"
{provider}
"""
_OWN_PROVIDER = """
model_provider = "gateway"
[model_providers.gateway]
name = "gateway"
base_url = "{origin}/v1"
env_key = "GATEWAY_KEY"
wire_api = "responses"
"""


async def codex(
    program: str,
    origin: str,
    folder: Path,
    *,
    model: str,
    secret: str = SECRET,
    prompt: str = "Do what you were asked to.",
    built_in: bool = False,
    settings_besides: str = "",
    environ: Mapping[str, str] | None = None,
) -> CodexOutcome:
    """Codex, asked one thing, with the gateway as a provider of its own or, `built_in`, in OpenAI's place."""
    home, work = _places(folder)
    settings = home / ".codex"
    settings.mkdir()
    provider = f'openai_base_url = "{origin}/v1"' if built_in else _OWN_PROVIDER.format(origin=origin)
    written = _CODEX.format(model=model, provider=provider) + settings_besides
    (settings / "config.toml").write_text(written)
    whole = {
        **bare_environ(home),
        "CODEX_HOME": str(settings),
        "CODEX_API_KEY" if built_in else "GATEWAY_KEY": secret,
        **(environ or {}),
    }
    argv = [program, "exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "--json", prompt]
    done = await run_program(argv, whole, work)
    return CodexOutcome(done.code, done.stdout, done.stderr)


def _places(folder: Path) -> tuple[Path, Path]:
    home, work = folder / "home", folder / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    return home, work
