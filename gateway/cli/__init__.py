"""The `toolgate` command: one module for each subcommand, imported only when it is used.

Data goes to standard output, messages to standard error. Exit status: 0 done, 1 failed, 2 wrong usage or
configuration, 130 interrupted.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import click

from gateway.cli.output import Failure, report_failure
from gateway.errors import ConfigError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "See a tool call run and another refused; needs no API key"),
    "serve": ("serve", "Serve the endpoint"),
    "init": ("init", "Write a first gateway.yaml for this machine"),
    "check": ("check", "Check the configuration and the policies, without starting anything"),
    "doctor": ("doctor", "Find out what works here, and how to mend what does not"),
    "models": ("models", "List the models that can be called"),
    "servers": ("servers", "Show the tool servers and how they are doing"),
    "tools": ("tools", "List and call tools"),
    "runs": ("runs", "Show what runs did, from the audit trail"),
    "policy": ("policy", "Explain what policies say of a call"),
    "config": ("config", "The configuration's JSON Schema, for editors"),
}
"""Subcommands by name, in the order of the help: the module that has each, and its line in the help."""


class _Commands(click.Group):
    """Imports a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.cli.{COMMANDS[cmd_name][0]}")
        return module.command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean `toolgate {close[0]}`?" if close else "see `toolgate --help`"
            raise Failure(f"there is no command {args[0]!r}", hint=hint, status=2)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("toolgate"), prog_name="toolgate", message="%(prog)s %(version)s")
def toolgate() -> None:
    """One endpoint that agents call, with tools already attached."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process with its exit status."""
    try:
        status = toolgate.main(arguments, prog_name="toolgate", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except (Failure, ConfigError) as failure:
        sys.exit(report_failure(failure))
    except click.ClickException as mistake:
        mistake.show()
        sys.exit(mistake.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
