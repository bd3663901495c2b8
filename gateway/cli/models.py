"""`toolgate models`: what can be called, as a key sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import click

from gateway.building.router import build_router
from gateway.cli.loading import load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import print_json, print_table
from gateway.cli.session import chosen_key
from gateway.config import Config
from gateway.providers import HttpClients
from gateway.routing import ModelInfo, Route
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
        print_json({"models": [_as_json(model, route) for model, route in models]})
    else:
        print_table(("MODEL", "STRATEGY", "DEPLOYMENTS"), [_as_row(model, route) for model, route in models])


def _as_json(model: ModelInfo, route: Route) -> dict[str, Any]:
    places = [{"provider": place.provider.name, "model": place.model} for place in route.deployments]
    return {"id": model.id, "owned_by": model.owned_by, "strategy": _strategy(route), "deployments": places}


def _as_row(model: ModelInfo, route: Route) -> tuple[str, str, str]:
    places = [f"{place.provider.name}/{place.model}" for place in route.deployments]
    return model.id, _strategy(route), ", ".join(places)


def _strategy(route: Route) -> str:
    return route.tiers[0].strategy if route.tiers else "priority"


async def _list(config: Config, allowed: Sequence[str]) -> list[tuple[ModelInfo, Route]]:
    """The models, each with the deployments that it stands for, those of its fallbacks last."""
    clients = HttpClients()
    try:
        router = build_router(config, clients)
        return [(model, router.resolve(model.id, ("*",))) for model in await router.list_models(allowed)]
    finally:
        await clients.aclose()
