"""`toolgate policy explain`: what policies say of a call, and why."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.commands import CommandGroup
from gateway.cli.loading import load
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, print_json
from gateway.cli.session import chosen_key
from gateway.tool_calls import InvalidArguments, parse_object
from tool_policies import explain, render_explanation


@click.group(cls=CommandGroup, help="Explain what policies say of a call.")
def command() -> None:
    """Policies are pure: nothing is started to explain them."""


@command.command("explain")
@config_options
@click.option("--key", help="The key that would call.  [default: the only one]")
@click.option("--tool", required=True, help="The tool, such as files/read_file.")
@click.option("--args", "arguments", default="{}", show_default=True, help="The arguments, as a JSON object.")
@json_option
def explain_call(
    config_path: Path | None,
    mcp_configs: tuple[Path, ...],
    key: str | None,
    tool: str,
    arguments: str,
    as_json: bool,
) -> int:
    """Show each policy and rule that speaks of a call. Exit status 1 unless the call is allowed."""
    config = load(config_path, mcp_configs)
    name = chosen_key(config, key)
    policies = next(one.policies for one in config.keys if one.name == name)
    try:
        parsed = parse_object(arguments)
    except InvalidArguments as error:
        raise Failure(f"--args: {error}", status=2) from error
    if not all(tool.partition("/")):
        raise Failure(
            f"--tool: {tool!r} is not the name of a tool", hint="write server/tool, as in policies", status=2
        )
    explanation = explain(config.policies, policies, tool, parsed)
    if as_json:
        print_json({"key": name, **explanation.to_json()})
    else:
        click.echo(render_explanation(explanation))
    return 0 if explanation.decision.verdict == "allow" else 1
