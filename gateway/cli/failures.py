"""From whatever ended a command to what the person at the terminal is told.

Above: `main`, which ends the process. Refuses to know: what the commands do.
"""

from __future__ import annotations

import os

import click

from gateway.cli.output import Failure
from gateway.errors import ConfigError, RequestError, StoreError, UpstreamError, leaves_of
from sandbox.spec import SandboxError

_STORAGE_HINT = "see `storage` in the configuration, and who owns these files"

INTERRUPTED = 130
"""The exit status of a process that was interrupted, as shells have it."""


def find_failure(error: BaseException) -> Failure | ConfigError | None:
    """What to tell of an exception, or of the first telling one in a group; None for one that is a defect."""
    for leaf in leaves_of(error):
        match leaf:
            case Failure() | ConfigError():
                return leaf
            case click.ClickException():
                return _of_click(leaf)
            case RequestError() | UpstreamError():
                return Failure(leaf.message)
            case SandboxError():
                return Failure(leaf.message, hint=leaf.hint)
            case StoreError():
                return Failure(str(leaf), hint=leaf.hint or _STORAGE_HINT)
            case OSError():
                return Failure(_of_system(leaf))
            case _:
                continue
    return None


def is_interruption(error: BaseException) -> bool:
    """Whether somebody wanted the command to end."""
    return any(isinstance(leaf, KeyboardInterrupt | click.Abort) for leaf in leaves_of(error))


def _of_click(mistake: click.ClickException) -> Failure:
    if isinstance(mistake, click.NoSuchOption):  # click's words for what was meant are of another style
        near = " or ".join(sorted(mistake.possibilities or ()))
        hint = f"did you mean {near}?" if near else _see_help(mistake)
        return Failure(f"there is no option {mistake.option_name}", hint=hint, status=mistake.exit_code)
    message = mistake.format_message().rstrip(".")
    return Failure(message[:1].lower() + message[1:], hint=_see_help(mistake), status=mistake.exit_code)


def _see_help(mistake: click.ClickException) -> str | None:
    context = mistake.ctx if isinstance(mistake, click.UsageError) else None
    return f"see `{context.command_path} --help`" if context is not None else None


def _of_system(error: OSError) -> str:
    words = error.strerror or type(error).__name__
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return f"{' to '.join(names)}: {words}" if names else words
