"""Writes servers into the operator's file, once the whole of it has been found to load with them."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.cli.output import Failure
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import load_config
from gateway.config.editing import EditFault, with_servers
from gateway.config.environment import read_beside
from gateway.config.files import FileFault, FileMissing, read_text
from gateway.config.importers import ImportedServer, placeholders
from gateway.config.loading import LARGEST_FILE
from gateway.errors import ConfigError, Problem


def add_servers(path: Path, servers: Sequence[ImportedServer], blocks: Mapping[str, str]) -> None:
    """Put servers into the file, which is replaced at once or stays as it is. Blocking.

    Raises Failure when it cannot be changed, and ConfigError when it would not load with them.
    """
    text = _read(path)
    try:
        changed = with_servers(text, {server.name: server.entry for server in servers}, blocks)
    except EditFault as fault:
        hint = "the lines are shown without --write, to be put there by hand"
        raise Failure(f"{path} stays as it is: {fault.message}", hint=hint) from None
    variables = {name: value for server in servers for name, value in placeholders(server.entry).items()}
    environ, _, _ = read_beside(path.parent, os.environ)
    known = {**variables, **environ}
    old = {(one.field, one.message) for one in _problems(path, text, known)}
    new = [one for one in _problems(path, changed, known) if (one.field, one.message) not in old]
    if new:
        raise ConfigError(new)
    write_all([Draft(path, changed, mode=stat.S_IMODE(path.stat().st_mode))])


def _read(path: Path) -> str:
    try:
        return read_text(path, longest=LARGEST_FILE).text
    except FileMissing:
        raise Failure(f"{path}: there is no such file", hint="`toolgate init` makes one", status=2) from None
    except FileFault as fault:
        raise Failure(f"{path}: {fault.message}", hint=fault.hint, status=2) from None


def _problems(path: Path, text: str, variables: Mapping[str, str]) -> list[Problem]:
    """What is wrong with a text in the place of the file: beside it, as its paths begin there."""
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".toolgate-", suffix=path.suffix, encoding="utf-8"
    ) as trial:
        trial.write(text)
        trial.flush()
        try:
            load_config(Path(trial.name), environ=variables)
        except ConfigError as error:
            return [replace(one, file=str(path)) if one.file == trial.name else one for one in error.problems]
    return []
