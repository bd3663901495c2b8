"""`toolgate demo`: everything at once, with a scripted model: no API key, no Docker, no network.

What it shows is the real thing: it writes a configuration into a folder of its own, and serves that.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import anyio
import click
import orjson

from gateway.cli.demo_files import DemoChoices, write_demo
from gateway.cli.options import log_options
from gateway.cli.output import Failure, say, show_problems
from gateway.cli.progress import settle
from gateway.cli.serve import base_url, bind, run_server
from gateway.config import load_config
from gateway.providers.scripted import serve_scripted_model
from gateway.runtime import open_gateway, open_shared
from gateway.telemetry.logs import configure_logging
from sandbox import BackendName, open_sandbox
from sandbox.locations import default_cache_dir

_PORT = 8484
_BEST_FIRST: tuple[BackendName, ...] = ("docker", "bubblewrap")
_PROMPT = "What time is it in Tokyo? Then read the file /etc/passwd"


@click.command(help="See a tool call run and another refused, in under a minute; needs no API key.")
@click.option("--port", type=click.IntRange(0, 65535), default=_PORT, show_default=True, help="0 takes a free one.")
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
) -> None:
    """Serve the demo on loopback until it is interrupted."""
    configure_logging(level="warning" if log_level == "info" else log_level, json=log_format == "json")
    with _folder(keep) as folder:
        anyio.run(_demo, folder, port, model, mcp_configs, backend_options={"use_uvloop": True})


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


async def _demo(folder: Path, port: int, model: str | None, mcp_configs: tuple[Path, ...]) -> None:
    listener = bind("127.0.0.1", port)
    backend = await _best_backend(folder)
    key = f"tg-demo-{secrets.token_urlsafe(18)}"
    async with serve_scripted_model() as scripted_url:
        choices = DemoChoices(key, scripted_url, model, backend, with_servers=not mcp_configs)
        config = load_config(write_demo(folder, choices), mcp_configs=mcp_configs)
        show_problems(config.warnings, "warning")
        async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
            say("starting the tool servers:")
            await settle(gateway)
            if any(status.sandbox == "host" for status in gateway.services.hub.statuses()):
                say("NOT SANDBOXED: neither Docker nor bubblewrap works here, so the servers run unconfined.")
            _introduce(config.models, base_url(listener), key, is_scripted=model is None)
            await run_server(gateway, listener)


async def _best_backend(folder: Path) -> BackendName:
    sandbox = open_sandbox(state_dir=folder / "state", cache_dir=default_cache_dir())
    available = await sandbox.probe()
    working: list[BackendName] = [name for name in _BEST_FIRST if name in available and available[name].ok]
    return working[0] if working else "host"


def _introduce(models: Iterable[str], url: str, key: str, *, is_scripted: bool) -> None:
    model = next(iter(models))
    body = orjson.dumps({"model": model, "toolgate": {}, "messages": [{"role": "user", "content": _PROMPT}]}).decode()
    say("")
    click.echo(f"base URL  {url}")
    click.echo(f"API key   {key}")
    click.echo(f"model     {model}{' (scripted: it picks tools by simple words)' if is_scripted else ''}")
    click.echo("")
    click.echo(f"curl -s {url}/chat/completions -H 'Authorization: Bearer {key}' \\\n  -d '{body}'")
    click.echo("")
    say("One call will run, and one will be refused by a rule; the answer names both. Stop with Ctrl-C.")
    say("Next: `toolgate init` writes a configuration for your own models and servers.")
