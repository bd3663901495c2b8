"""`toolgate serve`: start, run, drain, stop."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import anyio
import click
import uvicorn

from gateway.app import build_app
from gateway.cli.loading import load
from gateway.cli.options import config_options, log_options
from gateway.cli.output import Failure, say, show_problems
from gateway.cli.progress import describe_status, settle
from gateway.config import Config
from gateway.errors import ConfigError
from gateway.runtime import Gateway, open_gateway, open_shared
from gateway.telemetry.logs import configure_logging

_log = logging.getLogger(__name__)

_DRAINING = 30  # seconds for requests under way to end after SIGTERM
_BACKLOG = 2048


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
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""

    def read() -> Config:
        return load(config_path, mcp_configs, host=host)

    config = read()
    show_problems(config.warnings, "warning")
    configure_logging(level=log_level, json=log_format == "json", secrets=config.secrets)
    listener = bind(config.listen.host, config.listen.port if port is None else port)
    anyio.run(_serve, config, listener, read, backend_options={"use_uvloop": True})


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Failure that says what to do about a port that is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        hint = "stop what listens there, or choose another port with --port"
        raise Failure(f"cannot listen on {host} port {port}: {error.strerror}", hint=hint) from error


def base_url(listener: socket.socket) -> str:
    """The URL to give to clients."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


async def _serve(config: Config, listener: socket.socket, read: Callable[[], Config]) -> None:
    async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
        say(f"toolgate listens on {base_url(listener)}")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_announce, gateway)
            tasks.start_soon(_reload_on_hangup, gateway, read)
            await run_server(gateway, listener)
            tasks.cancel_scope.cancel()
    say("toolgate has stopped")


async def run_server(gateway: Gateway, listener: socket.socket) -> None:
    """Serve until a signal to stop; requests under way are given time to end."""
    settings = uvicorn.Config(
        build_app(gateway.admit, gateway.metrics),
        loop="none",  # the running one
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAINING,
    )
    await uvicorn.Server(settings).serve(sockets=[listener])


async def _announce(gateway: Gateway) -> None:
    statuses = await settle(gateway)
    down = [status.name for status in statuses if status.state == "down"]
    say(f"ready, without {', '.join(down)}; `toolgate doctor` says more" if down else "ready")


async def _reload_on_hangup(gateway: Gateway, read: Callable[[], Config]) -> None:
    with anyio.open_signal_receiver(signal.SIGHUP) as hangups:
        async for _ in hangups:
            try:
                config = await anyio.to_thread.run_sync(read)
                await gateway.load(config)
            except (ConfigError, Failure) as error:
                _log.error("the new configuration is wrong, and nothing has changed:\n%s", error)
            else:
                for status in gateway.services.hub.statuses():
                    _log.info("after the reload: %s", describe_status(status))
