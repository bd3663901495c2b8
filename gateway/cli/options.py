"""Options that several subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def config_options(function: CommandT) -> CommandT:
    """`--config` and `--mcp-config`, as `config_path` and `mcp_configs`."""
    config = click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The configuration file.  [default: ./gateway.yaml]",
    )
    mcp = click.option(
        "--mcp-config",
        "mcp_configs",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A client's file of MCP servers, such as .mcp.json, read unchanged. May be repeated.",
    )
    return config(mcp(function))


def json_option(function: CommandT) -> CommandT:
    """`--json`, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def log_options(function: CommandT) -> CommandT:
    """`--log-level` and `--log-format`."""
    level = click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        help="The least severe messages to log.",
    )
    form = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Lines for people or for programs.",
    )
    return level(form(function))
