"""`toolgate servers`: which tool servers there are, and how they come up here."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.api.health import describe_server
from gateway.cli.options import config_options, json_option
from gateway.cli.output import print_json, print_table
from gateway.cli.session import load_quietly, with_gateway
from gateway.hub import ServerStatus
from gateway.runtime import Gateway


@click.command(help="Start every tool server as the gateway would, and show how they are doing.")
@config_options
@json_option
def command(config_path: Path | None, mcp_configs: tuple[Path, ...], as_json: bool) -> int:
    """Exit status 1 when a server is down."""

    async def look(gateway: Gateway) -> tuple[ServerStatus, ...]:
        return await gateway.settled()

    statuses = with_gateway(load_quietly(config_path, mcp_configs), look, quiet=as_json)
    if as_json:
        print_json({"servers": [describe_server(status) for status in statuses]})
    else:
        print_table(("SERVER", "STATE", "TOOLS", "SANDBOX", "WHY"), [_row(status) for status in statuses])
    return 1 if any(status.state == "down" for status in statuses) else 0


def _row(status: ServerStatus) -> tuple[str, ...]:
    where = status.sandbox or ("-" if status.transport == "http" else "")
    return status.name, status.state, str(status.tools), where, status.error or ""
