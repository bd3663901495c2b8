"""`toolgate models`: what can be called, as a key sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import click

from gateway.cli.loading import load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import print_json, print_table
from gateway.cli.session import chosen_key
from gateway.config import Config
from gateway.providers import HttpClients
from gateway.router_building import build_router
from gateway.routing import ModelInfo
from gateway.telemetry.logs import configure_logging


@click.command(help="List the models that can be called; providers are asked for theirs.")
@config_options
@click.option("--key", help="List what this key may call.  [default: everything]")
@json_option
def command(config_path: Path | None, mcp_configs: tuple[Path, ...], key: str | None, as_json: bool) -> None:
    """Of a provider that cannot be asked, a warning says so."""
    config = load(config_path, mcp_configs)
    configure_logging(level="warning", json=False, secrets=config.secrets)
    allowed: Sequence[str] = ("*",)
    if key is not None:
        name = chosen_key(config, key)
        allowed = next(one.models for one in config.keys if one.name == name)
    models = anyio.run(_list, config, allowed)
    if as_json:
        print_json({"models": [{"id": model.id, "owned_by": model.owned_by} for model in models]})
    else:
        print_table(("MODEL", "PROVIDER"), [(model.id, model.owned_by) for model in models])


async def _list(config: Config, allowed: Sequence[str]) -> Sequence[ModelInfo]:
    clients = HttpClients()
    try:
        return await build_router(config, clients).list_models(allowed)
    finally:
        await clients.aclose()
