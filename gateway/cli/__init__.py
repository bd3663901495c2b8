"""The `toolgate` command: one module for each subcommand, imported only when it is used.

Data goes to standard output, messages to standard error. Exit status: 0 done, 1 failed, 2 wrong usage or
configuration, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import FrameType

import click

from gateway.cli.commands import CommandGroup
from gateway.cli.output import report_failure

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "See a tool call run and another refused; needs no API key"),
    "serve": ("serve", "Serve the endpoint"),
    "init": ("init", "Write a first gateway.yaml for this machine"),
    "check": ("check", "Check the configuration and the policies, without starting anything"),
    "doctor": ("doctor", "Find out what works here, and how to mend what does not"),
    "models": ("models", "List the models that can be called"),
    "providers": ("providers", "List the providers of models, and whether they answer"),
    "servers": ("servers", "Show the tool servers and how they are doing; add well-known ones"),
    "lock": ("lock", "Write down what the tool servers offer, and tell what has changed"),
    "tools": ("tools", "List and call tools"),
    "runs": ("runs", "Show what runs did, from the audit trail"),
    "policy": ("policy", "Explain what policies say of a call"),
    "connect": ("connect", "Connect a client: Claude Code, Codex, Cursor, VS Code or Claude Desktop"),
    "config": ("config", "The configuration's form, and servers out of other products' files"),
}
"""Subcommands by name, in the order of the help: the module that has each, and its line in the help."""


class _Commands(CommandGroup):
    """Imports a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gateway.cli.{COMMANDS[cmd_name][0]}")
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("toolgate"), prog_name="toolgate", message="%(prog)s %(version)s")
def toolgate() -> None:
    """One endpoint that agents call, with tools already attached."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process with its exit status."""
    _end_as_if_interrupted()
    _fill_standard_streams()
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has left, as in `toolgate runs | head`: that is all.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def _fill_standard_streams() -> None:
    """Those that whoever started us has closed: else the first files that are opened would take their places."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115 - as long as the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115


def _end_as_if_interrupted() -> None:
    """On SIGTERM, too, so that servers and boxes are stopped in either case. What a shell runs in the background
    does not mind SIGINT: that stays so, but what runs here can be interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_: int, __: FrameType | None) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.raise_signal(signal.SIGINT)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit status. Raises BrokenPipeError, and whatever is a defect."""
    try:
        status = toolgate.main(arguments, prog_name="toolgate", standalone_mode=False)
    except BrokenPipeError:
        raise
    except click.exceptions.NoArgsIsHelpError as help_wanted:
        click.echo(help_wanted.format_message(), err=True)
        return help_wanted.exit_code
    except BaseException as error:  # the boundary: all that is foreseen becomes words and a status
        # Imported only now, because it knows exceptions of packages that `--help` does without.
        failures = importlib.import_module("gateway.cli.failures")
        if failures.is_interruption(error):
            return failures.INTERRUPTED
        failure = failures.find_failure(error)
        if failure is None:
            raise
        return report_failure(failure)
    return status if isinstance(status, int) else 0
