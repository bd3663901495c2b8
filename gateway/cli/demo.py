"""`toolgate demo`: everything at once, with a scripted model: no API key, no Docker, no network.

What it shows is the real thing: it writes a configuration into a folder of its own, and serves that.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import click
import orjson

from gateway.building.shared import open_shared
from gateway.cli.commands import nearest, program
from gateway.cli.demo_files import DemoChoices, write_demo
from gateway.cli.options import log_options
from gateway.cli.output import Failure, say, show_problems
from gateway.cli.progress import settle
from gateway.cli.serving import Stopping, base_url, bind, until_stopped
from gateway.config import Config, load_config
from gateway.hub import ServerStatus
from gateway.providers import KNOWN_PROVIDERS
from gateway.providers.scripted import serve_scripted_model
from gateway.runtime import open_gateway
from gateway.telemetry.logs import configure_logging
from sandbox import BackendName, open_sandbox
from sandbox.locations import default_cache_dir

_PORT = 8484
_BEST_FIRST: tuple[BackendName, ...] = ("docker", "bubblewrap")
_PROMPT = "What time is it in Tokyo? Then read the file /etc/passwd"


@click.command(help="See a tool call run and another refused, in under a minute; needs no API key.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 takes a free one."
)
@click.option("--model", help="A real model in the scripted one's place, as provider/model, such as ollama/qwen3.")
@click.option(
    "--mcp-config",
    "mcp_configs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Your own MCP servers in the demo's place, such as .mcp.json.",
)
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the demo's files here.")
@log_options
def command(
    port: int,
    model: str | None,
    mcp_configs: tuple[Path, ...],
    keep: Path | None,
    log_level: str,
    log_format: str,
) -> int:
    """Serve the demo on loopback until it is interrupted."""
    configure_logging(level="warning" if log_level == "info" else log_level, json=log_format == "json")
    if model is not None:
        _check_model(model)
    listener = bind("127.0.0.1", port)
    with _folder(keep) as folder:
        demo = _Demo(folder, listener, model, mcp_configs)
        # A terminal that is closed sends SIGHUP.
        return anyio.run(until_stopped, demo.run, signal.SIGHUP, backend_options={"use_uvloop": True})


def _check_model(model: str) -> None:
    """Raises Failure unless the provider is known, and what it wants to know of us is there."""
    name, slash, own = model.partition("/")
    row = KNOWN_PROVIDERS.get(name)
    if not slash or not own:
        raise Failure(f"--model {model}: the provider is missing", hint="write provider/model", status=2)
    if row is None or row.base_url is None:
        near = nearest(name, KNOWN_PROVIDERS)
        hint = f"did you mean {near}?" if near and near != name else "write it into a gateway.yaml: toolgate init"
        raise Failure(f"--model {model}: toolgate does not know where {name!r} is", hint=hint, status=2)
    if row.key_required and not (row.env and os.environ.get(row.env)):
        raise Failure(f"--model {model}: {row.title} wants a key", hint=f"export {row.env or '...'}=...", status=2)


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    """The demo's own folder: of mode 0755, because boxes run as another user and look into it."""
    folder = keep or Path(tempfile.mkdtemp(prefix="toolgate-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Failure(f"{folder} is not empty", hint="choose a new folder for --keep", status=2)
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Demo:
    folder: Path
    listener: socket.socket
    model: str | None
    mcp_configs: tuple[Path, ...]

    async def run(self, stopping: Stopping) -> None:
        backend = await self._best_backend()
        key = f"tg-demo-{secrets.token_urlsafe(18)}"
        async with serve_scripted_model() as scripted_url:
            choices = DemoChoices(key, scripted_url, self.model, backend, with_servers=not self.mcp_configs)
            written = await anyio.to_thread.run_sync(write_demo, self.folder, choices)
            config = await anyio.to_thread.run_sync(partial(load_config, written, mcp_configs=self.mcp_configs))
            self._warn(config)
            async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
                say("starting the tool servers:")
                statuses = await settle(gateway)
                if any(status.sandbox == "host" for status in statuses):
                    say("NOT SANDBOXED: neither Docker nor bubblewrap works here, so the servers run unconfined.")
                self._refuse_half_a_demo(statuses)
                self._introduce(next(iter(config.models)), key)
                await stopping.serve(gateway, self.listener)

    async def _best_backend(self) -> BackendName:
        sandbox = open_sandbox(state_dir=self.folder / "state", cache_dir=default_cache_dir())
        available = await sandbox.probe()
        working: list[BackendName] = [name for name in _BEST_FIRST if name in available and available[name].ok]
        return working[0] if working else "host"

    def _warn(self, config: Config) -> None:
        """Of the demo's own files there is nothing to say that is not said better."""
        own = str(self.folder)
        show_problems([problem for problem in config.warnings if not problem.file.startswith(own)], "warning")

    def _refuse_half_a_demo(self, statuses: Sequence[ServerStatus]) -> None:
        """Of the demo's own servers each is needed for what it promises. Raises Failure."""
        down = [status.name for status in statuses if status.state == "down"]
        if down and not self.mcp_configs:
            hint = "`toolgate init` and `toolgate doctor` find out what works here"
            raise Failure(f"the demo's tool servers did not start: {', '.join(down)}", hint=hint)

    def _introduce(self, model: str, key: str) -> None:
        url = base_url(self.listener)
        prompt = "Which tools do you have?" if self.mcp_configs else _PROMPT
        message = {"role": "user", "content": prompt}
        body = orjson.dumps({"model": model, "toolgate": {}, "messages": [message]}).decode()
        is_scripted = self.model is None
        say("")
        click.echo(f"base URL  {url}")
        click.echo(f"API key   {key}")
        click.echo(f"model     {model}{' (scripted: it picks tools by simple words)' if is_scripted else ''}")
        click.echo("")
        click.echo(f"curl -s {url}/chat/completions -H 'Authorization: Bearer {key}' \\\n  -d '{body}'")
        click.echo("")
        sys.stdout.flush()
        if not self.mcp_configs:
            say("One call will run, and one will be refused by a rule; the answer names both.")
        say(f"Stop with Ctrl-C. Next: `{program()} init` writes a configuration for your own models and servers.")
