"""How the command line speaks: data on standard output, messages on standard error, colour where it helps."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TextIO

import click
import orjson

from gateway.errors import ConfigError, Problem
from gateway.telemetry.visible import make_visible

Label = Literal["error", "warning", "hint", "note"]

_CODES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1"}
_COLOURS: Mapping[Label, str] = {"error": "red", "warning": "yellow", "hint": "cyan", "note": "cyan"}


class Failure(Exception):
    """A command cannot do what it was asked. `status` is the exit status, `hint` what to type or do next."""

    def __init__(self, message: str, *, hint: str | None = None, status: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


def report_failure(failure: Failure | ConfigError) -> int:
    """Tell of a failure on standard error; the exit status."""
    if isinstance(failure, ConfigError):
        show_problems(failure.problems, "error")
        return 2
    say(failure.message, label="error")
    if failure.hint:
        say(failure.hint, label="hint")
    return failure.status


def show_problems(problems: Iterable[Problem], label: Label) -> None:
    """Each problem on standard error, as `error: file:line: field: message`, and its hint."""
    for problem in problems:
        say(str(replace(problem, hint=None)), label=label)
        if problem.hint:
            say(problem.hint, label="hint")


def say(message: str, *, label: Label | None = None) -> None:
    """A message for the person at the terminal, on standard error; what would deceive in it is made visible."""
    text = make_visible(as_typed(message))[0]
    if label is not None:
        text = f"{paint(f'{label}:', _COLOURS[label], sys.stderr)} {text}"
    click.echo(text, err=True, color=True)


def as_typed(message: str) -> str:
    """The message with its commands as they must be typed here: `make` puts this one where no path leads to."""
    called = Path(sys.argv[0])
    if called.name != "toolgate" or shutil.which("toolgate"):
        return message
    return message.replace("`toolgate ", f"`{shlex.quote(str(called))} ")


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {what}" if number == 1 else f"{number} {plural(what)}"


def plural(what: str) -> str:
    """Of an English word."""
    return f"{what[:-1]}ies" if what.endswith("cy") else f"{what}s"


def print_json(value: Any) -> None:
    """Data for programs: one JSON value, indented."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Data for people: a name and a value on each line, characters that deceive made visible."""
    width = max((len(name) for name, _ in fields), default=0)
    for name, value in fields:
        click.echo(f"{name.ljust(width)}  {_cell(value)}")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Data for people: columns as wide as they need to be, characters that deceive made visible."""
    lines = [list(heads), *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.echo(paint(text, "bold", sys.stdout) if number == 0 else text, color=True)


def _cell(text: str) -> str:
    return make_visible(text)[0].replace("\n", " ")


def paint(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, where the stream shows colours."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if wants_colour(stream) else text


def wants_colour(stream: TextIO) -> bool:
    """Whether to use colour: a terminal, unless NO_COLOR is set (no-color.org); FORCE_COLOR insists."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
