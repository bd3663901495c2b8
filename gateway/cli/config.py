"""`toolgate config schema`: the configuration's form, for editors."""

from __future__ import annotations

import click

from gateway.cli.commands import CommandGroup
from gateway.cli.output import print_json
from gateway.config import config_schema
from tool_policies import policy_schema


@click.group(cls=CommandGroup, help="The configuration's JSON Schema, for editors.")
def command() -> None:
    """A group, because more may be said of the configuration."""


@command.command()
@click.option("--policies", is_flag=True, help="The schema of policy files instead.")
def schema(policies: bool) -> None:
    """Print the JSON Schema of gateway.yaml."""
    print_json(policy_schema() if policies else config_schema())
