"""A group of commands that suggests the one that was probably meant."""

from __future__ import annotations

import difflib
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from gateway.cli.output import Failure


class CommandGroup(click.Group):
    """A click group whose mistakes look like all others of this command line."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names. Raises Failure."""
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            near = nearest(args[0], known)
            path = ctx.command_path
            hint = f"did you mean `{path} {near}`?" if near else f"see `{path} --help`"
            raise Failure(f"there is no command {args[0]!r}", hint=hint, status=2)
        return super().resolve_command(ctx, args)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def program(*, elsewhere: bool = False) -> str:
    """What to type for this command here, or in another folder: it need not be on the path."""
    if shutil.which("toolgate"):
        return "toolgate"
    called = Path(sys.argv[0])
    if elsewhere:
        called = called.absolute()
    return shlex.quote(str(called)) if called.name == "toolgate" else f"{sys.executable} -m gateway.cli"
