"""`toolgate check`: is the configuration right? Nothing is started and nothing is asked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import anyio
import click

from gateway.api.provider_tools import read_substitutes
from gateway.building.router import build_router, unpriced
from gateway.cli.loading import load
from gateway.cli.openapi_documents import judge_documents
from gateway.cli.options import config_options, json_option
from gateway.cli.output import counted, print_json, say, show_problems
from gateway.config import Config, check_lock
from gateway.errors import ConfigError, Problem
from gateway.providers import HttpClients


@click.command(help="Check the configuration and the policies, without starting anything.")
@config_options
@json_option
def command(config_path: Path | None, mcp_configs: tuple[Path, ...], as_json: bool) -> int:
    """Exit status 2 when there are mistakes."""
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        config = load(config_path, mcp_configs)
        warnings = config.warnings
        check_lock(config)
        warnings += anyio.run(_try_router, config)
        warnings += judge_documents(config)
    except ConfigError as error:
        errors = error.problems
    if as_json:
        print_json({"errors": [asdict(one) for one in errors], "warnings": [asdict(one) for one in warnings]})
    else:
        show_problems(warnings, "warning")
        show_problems(errors, "error")
        say(f"{counted(len(errors), 'error')}, {counted(len(warnings), 'warning')}")
    return 2 if errors else 0


async def _try_router(config: Config) -> tuple[Problem, ...]:
    """What the loader does not know: the providers, their models and tools. Raises ConfigError; gives warnings."""
    clients = HttpClients()
    try:
        router = build_router(config, clients)
        read_substitutes(config)
        return tuple(unpriced(config, router))
    finally:
        await clients.aclose()
