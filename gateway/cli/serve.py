"""`toolgate serve`: start, run, drain, stop."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import click

from gateway.building.shared import open_shared
from gateway.cli.failures import find_failure
from gateway.cli.loading import load
from gateway.cli.options import config_options, log_options
from gateway.cli.output import Failure, say, show_problems
from gateway.cli.progress import describe_status, settle
from gateway.cli.serving import Stopping, base_url, bind, until_stopped
from gateway.config import DEFAULT_FILE, Config
from gateway.runtime import Gateway, open_gateway
from gateway.telemetry.logs import configure_logging

_log = logging.getLogger(__name__)

_UNLOCKED = "no tools.lock: each tool is held to how it was first seen; `toolgate lock` lets you review them"


@click.command(help="Serve the endpoint.")
@config_options
@click.option("--host", help="Listen here instead of where the configuration says.")
@click.option("--port", type=click.IntRange(0, 65535), help="Listen on this port instead; 0 takes a free one.")
@log_options
def command(
    config_path: Path | None,
    mcp_configs: tuple[Path, ...],
    host: str | None,
    port: int | None,
    log_level: str,
    log_format: str,
) -> int:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    if config_path is None and mcp_configs and not Path(DEFAULT_FILE).exists():
        raise Failure(
            f"there is no {DEFAULT_FILE}, and a file of MCP servers has no keys, so nobody could use this gateway",
            hint="run `toolgate init`, or try your servers with `toolgate demo --mcp-config FILE`",
            status=2,
        )

    secrets: set[str] = set()

    def read() -> Config:
        config = load(config_path, mcp_configs, host=host)
        # What was a secret before a reload is one still: requests under way go on with it.
        secrets.update(config.secrets)
        configure_logging(level=log_level, json=log_format == "json", secrets=secrets)
        return config

    config = read()
    show_problems(config.warnings, "warning")
    listener = bind(config.listen.host, config.listen.port if port is None else port)
    return anyio.run(_serve, config, listener, read, backend_options={"use_uvloop": True})


async def _serve(config: Config, listener: socket.socket, read: Callable[[], Config]) -> int:
    async def work(stopping: Stopping) -> None:
        async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
            say(f"toolgate listens on {base_url(listener)}")
            if config.lock.lockfile is None and config.servers:
                say(_UNLOCKED, label="warning")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_announce, gateway)
                tasks.start_soon(_reload_on_hangup, gateway, config, read)
                await stopping.serve(gateway, listener)
                tasks.cancel_scope.cancel()

    status = await until_stopped(work)
    say("toolgate has stopped")
    return status


async def _announce(gateway: Gateway) -> None:
    statuses = await settle(gateway)
    down = [status.name for status in statuses if status.state == "down"]
    say(f"ready, without {', '.join(down)}; `toolgate doctor` says more" if down else "ready")


async def _reload_on_hangup(gateway: Gateway, config: Config, read: Callable[[], Config]) -> None:
    with anyio.open_signal_receiver(signal.SIGHUP) as hangups:
        async for _ in hangups:
            try:
                config = await _reload(gateway, config, read)
            except Exception as error:  # noqa: BLE001 - the boundary of one reload: whatever it was, go on serving
                failure = find_failure(error)
                _log.error(
                    "the new configuration cannot be used, and nothing has changed:\n%s",
                    failure or "unexpected failure",
                    exc_info=None if failure else error,
                )


async def _reload(gateway: Gateway, config: Config, read: Callable[[], Config]) -> Config:
    """Read the files again and put what they say to use; the new configuration. Raises ConfigError."""
    fresh = await anyio.to_thread.run_sync(read)
    await gateway.load(fresh)
    for problem in fresh.warnings:
        _log.warning("%s", problem)
    for part in ("listen", "storage"):
        if getattr(fresh, part) != getattr(config, part):
            _log.warning("`%s` has changed, which holds from the next start only", part)
    for status in gateway.services.hub.statuses():
        _log.info("after the reload: %s", describe_status(status))
    _log.info("the new configuration is in use")
    return replace(fresh, listen=config.listen, storage=config.storage)
