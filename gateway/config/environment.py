r"""Variables: those of the process, and those of a `.env` file where the process has none.

A `.env` file has one `NAME=value` a line, `export` in front or not. A value in single quotes is taken as it
stands; in double quotes `\n`, `\"` and `\\` are read; without quotes it ends before ` #`. Nothing is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.files import FileFault, FileMissing, read_text
from gateway.errors import Problem

LONGEST = 64 * 1024
"""Bytes that a `.env` file may have."""

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.ASCII | re.DOTALL)
_QUOTED = re.compile(r"""(?:'([^']*)'|"((?:[^"\\]|\\.)*)")\s*(?:#.*)?""", re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def read_beside(
    folder: Path, environ: Mapping[str, str]
) -> tuple[Mapping[str, str], list[Problem], list[Problem]]:
    """The process's variables with those of `folder/.env` behind them; then errors and warnings. Blocking."""
    path = folder / ".env"
    try:
        found, errors, warnings = read_env_file(path)
    except FileMissing:
        return environ, [], []
    except FileFault as fault:
        return environ, [Problem(str(path), fault.message, fault.line, hint=fault.hint)], []
    return {**found, **environ}, errors, warnings


def read_env_file(path: Path) -> tuple[dict[str, str], list[Problem], list[Problem]]:
    """The variables of a file, then errors and warnings. Blocking. Raises FileFault when it cannot be read."""
    file = read_text(path, longest=LONGEST)
    variables, faults = parse_env(file.text)
    errors = [Problem(str(path), message, line, hint="write NAME=value") for line, message in faults]
    warnings: list[Problem] = []
    if file.is_open_to_others:
        message = "other users of this machine can read or change this file, and it may hold secrets"
        warnings.append(Problem(str(path), message, hint=f"chmod 600 {path}"))
    return variables, errors, warnings


def parse_env(text: str) -> tuple[dict[str, str], list[tuple[int, str]]]:
    """The variables in a text, and line and message of each line that is none."""
    variables: dict[str, str] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        value = _value(match[2]) if match else None
        if match is None:
            faults.append((number, "this line does not set a variable"))
        elif value is None:
            faults.append((number, "the quotes of this value do not end, or something follows them"))
        else:
            variables[match[1]] = value
    return variables, faults


def _value(written: str) -> str | None:
    if written[:1] not in ("'", '"'):
        return _COMMENT.sub("", written).strip()
    match = _QUOTED.fullmatch(written)
    if match is None:
        return None
    if match[1] is not None:
        return match[1]
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), match[2])
