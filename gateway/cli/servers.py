"""`toolgate servers`: which tool servers there are, how they come up here, and further ones from the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from gateway.api.health import describe_server
from gateway.cli.commands import CommandGroup
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, as_typed, print_json, print_table, say
from gateway.cli.registering.catalogue import Entry, entry_of, names
from gateway.cli.registering.lines import section
from gateway.cli.registering.writing import add_servers
from gateway.cli.session import load_quietly, with_gateway
from gateway.config import DEFAULT_FILE
from gateway.config.importers import ImportedServer
from gateway.config.importers.finishing import own_name
from gateway.hub import ServerStatus
from gateway.runtime import Gateway
from gateway.telemetry.logs import Redactor


@click.group(
    cls=CommandGroup,
    invoke_without_command=True,
    help="Start every tool server as the gateway would, and show how they are doing.",
)
@config_options
@json_option
@click.pass_context
def command(context: click.Context, config_path: Path | None, mcp_configs: tuple[Path, ...], as_json: bool) -> int:
    """Exit status 1 when a server is down."""
    if context.invoked_subcommand is not None:
        return 0

    async def look(gateway: Gateway) -> tuple[ServerStatus, ...]:
        return await gateway.settled()

    config = load_quietly(config_path, mcp_configs)
    clean = Redactor(config.secrets).clean
    statuses = with_gateway(config, look, quiet=as_json)
    if as_json:
        print_json({"servers": [describe_server(status, clean) for status in statuses]})
    else:
        print_table(("SERVER", "STATE", "TOOLS", "SANDBOX", "WHY"), [_row(status, clean) for status in statuses])
    return 1 if any(status.state == "down" for status in statuses) else 0


def _row(status: ServerStatus, clean: Callable[[str], str]) -> tuple[str, ...]:
    where = status.sandbox or ("" if status.transport == "stdio" else "-")
    return status.name, status.state, str(status.tools), where, clean(status.error or "")


@command.command("catalog")
@json_option
def show_catalogue(as_json: bool) -> None:
    """List the well-known servers that can be added by name."""
    entries = [entry_of(name) for name in names()]
    if as_json:
        print_json({"servers": [entry.to_json() for entry in entries]})
        return
    print_table(
        ("SERVER", "WHAT IT DOES", "RUNS"), [(entry.name, entry.description, entry.runs) for entry in entries]
    )


@command.command("add")
@click.argument("name")
@click.option("--as", "own", help="What to call it here.  [default: NAME]")
@click.option("--print", "prints", is_flag=True, help="Print the lines, instead of writing them.")
@click.option(
    "-c",
    "--config",
    "--file",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    show_default=True,
    help="The configuration to write to.",
)
def add(name: str, own: str | None, prints: bool, config_path: Path) -> None:
    """Write the server NAME of the catalogue into the configuration, which keeps all else as it is."""
    entry = entry_of(name)
    own = own or name
    if own_name(own) != own:
        raise Failure(f"{own!r} is no name for a server", hint=f"call it {own_name(own)}, for example", status=2)
    block = {own: entry.block(own)}
    if prints:
        click.echo(section(block), nl=False)
    else:
        add_servers(config_path, [ImportedServer(own, entry.server.entry)], block)
        say(f"wrote {own} to {config_path}")
    _tell(entry, own)


def _tell(entry: Entry, own: str) -> None:
    """What is left for the person to do."""
    for variable in entry.imported.variables:
        kind = "" if variable.is_secret else " (no secret)"
        say(f"set {variable.name}: {variable.description}{kind}", label="note")
    if entry.needs.sign_in:
        say("it signs in each user by OAuth, once: that is what its `auth` is for", label="note")
    if "command" in entry.server.entry:
        say(_of_sandbox(entry), label="note")
    if entry.needs.note:
        say(entry.needs.note, label="note")
    allowed = ", ".join(f'"{pattern}"' for pattern in entry.allowed(own))
    say(f"no key may use its tools until a policy allows them, such as allow: [{allowed}]", label="note")
    say(as_typed("`toolgate doctor` tells whether it comes up"), label="note")


def _of_sandbox(entry: Entry) -> str:
    sandbox = entry.needs.sandbox
    hosts = entry.needs.hosts
    if sandbox.get("network") != "open":
        reach = "it has no network"
    elif hosts and hosts != ["*"]:
        reach = f"it has all of this machine's network, and needs {', '.join(hosts)}"
    else:
        reach = "it has all of this machine's network"
    if workspace := sandbox.get("workspace"):
        reach += f", and a folder of each key's own at {workspace}"
    return f"it runs in a sandbox: {reach}"
