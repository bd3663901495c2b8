"""`toolgate config`: the configuration's form, for editors, and servers out of other products' files."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from gateway.cli.commands import CommandGroup
from gateway.cli.options import json_option
from gateway.cli.output import Failure, counted, print_json, say
from gateway.cli.registering.lines import blocks_of, describe_note, runs_confined, section
from gateway.cli.registering.writing import add_servers
from gateway.config import DEFAULT_FILE, config_schema
from gateway.config.importers import FORMATS, Format, Imported, read_file
from tool_policies import policy_schema

_NETWORK = "commands run in a sandbox without network: give one that needs it `sandbox: {network: open}`"
_ALLOW = 'no key may use their tools until a policy allows them, such as `allow: ["{name}/*"]`'


@click.group(cls=CommandGroup, help="The configuration's form, and servers out of other products' files.")
def command() -> None:
    """A group, because several things may be said of the configuration."""


@command.command()
@click.option("--policies", is_flag=True, help="The schema of policy files instead.")
def schema(policies: bool) -> None:
    """Print the JSON Schema of gateway.yaml."""
    print_json(policy_schema() if policies else config_schema())


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from", "form", type=click.Choice(list(FORMATS)), help="Whose file it is.  [default: seen from it]"
)
@click.option("--write", is_flag=True, help="Put the servers into the configuration, instead of printing them.")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    show_default=True,
    help="The configuration to write to.",
)
@json_option
def import_file(file: Path, form: str | None, write: bool, config_path: Path, as_json: bool) -> int:
    """Take MCP servers over from FILE: of VS Code, Claude, Cursor, the MCP registry, LiteLLM or Bifrost.

    Secrets become ${VARIABLES} and are never shown. Exit status 1 when a server is left out.
    """
    imported = read_file(file, cast("Format | None", form))
    if not imported.servers and not as_json:
        _tell(imported, file)
        raise Failure(f"no server of {file} can be taken over")
    blocks = blocks_of(imported, f"{FORMATS[imported.format][0]}: {file}")
    if write and imported.servers:
        add_servers(config_path, imported.servers, blocks)
    if as_json:
        print_json(_described(imported, written=write))
    elif not write:
        click.echo(section(blocks), nl=False)
    if not as_json:
        _tell(imported, file)
        if write:
            say(f"wrote {counted(len(imported.servers), 'server')} to {config_path}")
    return 1 if imported.left_out else 0


def _described(imported: Imported, *, written: bool) -> dict[str, object]:
    return {
        "format": imported.format,
        "servers": {server.name: dict(server.entry) for server in imported.servers},
        "left_out": [{"name": one.name, "line": one.line, "reason": one.reason} for one in imported.left_out],
        "notes": [
            {"server": one.server, "field": one.field, "line": one.line, "message": one.message}
            for one in imported.notes
        ],
        "variables": [
            {"name": one.name, "description": one.description, "secret": one.is_secret}
            for one in imported.variables
        ],
        "written": written and bool(imported.servers),
    }


def _tell(imported: Imported, file: Path) -> None:
    """What is left for the person to do, on standard error."""
    for one in imported.left_out:
        where = f"{file}:{one.line}" if one.line else str(file)
        say(f"{where}: {one.name} is left out: {one.reason}", label="warning")
    for note in imported.notes:
        if note.server is None:
            say(f"{file}: {describe_note(note)}", label="warning")
    for variable in imported.variables:
        say(f"set {variable.name}: {variable.description}", label="note")
    if runs_confined(imported.servers):
        say(_NETWORK, label="note")
    if imported.servers:
        say(_ALLOW.format(name=imported.servers[0].name), label="note")
