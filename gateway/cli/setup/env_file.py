"""The `.env` file: what is in it stays, what is missing is added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from gateway.config.environment import LONGEST, parse_env
from gateway.config.files import FileFault, FileMissing, read_text
from gateway.errors import ConfigError, Problem

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,~-]+", re.ASCII)
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def read_env(path: Path) -> tuple[str, dict[str, str]]:
    """The text of the file and its variables; both empty when it is not there. Blocking. Raises ConfigError."""
    try:
        text = read_text(path, longest=LONGEST).text
    except FileMissing:
        return "", {}
    except FileFault as fault:
        raise ConfigError([Problem(str(path), fault.message, fault.line, hint=fault.hint)]) from fault
    variables, faults = parse_env(text)
    if faults:
        raise ConfigError([Problem(str(path), message, line, hint="write NAME=value") for line, message in faults])
    return text, variables


def with_missing(text: str, variables: Mapping[str, str], comment: str) -> str:
    """The file's text with the variables that it lacks at its end; the same text if it lacks none."""
    known, _ = parse_env(text)
    missing = {name: value for name, value in variables.items() if name not in known}
    if not missing:
        return text
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    lines = "".join(f"{name}={quote(value)}\n" for name, value in missing.items())
    return f"{before}# {comment}\n{lines}"


def quote(value: str) -> str:
    """The value as `parse_env` reads it back."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'
