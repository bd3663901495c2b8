"""The lock file beside the gateway's file: read with it, and wanted where the operator says so."""

from __future__ import annotations

from pathlib import Path

from gateway.config.config import Config, LockConfig
from gateway.config.files import FileFault, FileMissing, read_text
from gateway.errors import ConfigError, Problem
from tool_policies.lockfile import LARGEST_LOCKFILE, LockfileError, read_lockfile

LOCK_NAME = "tools.lock"


def load_lock(folder: Path, *, required: bool) -> tuple[LockConfig, list[Problem]]:
    """The lock file in `folder`, which need not be there, and what is wrong with it. Blocking."""
    path = folder / LOCK_NAME
    try:
        text = read_text(path, longest=LARGEST_LOCKFILE).text
        return LockConfig(path, required, read_lockfile(text, str(path))), []
    except FileMissing:
        return LockConfig(path, required), []
    except FileFault as fault:
        problems = [Problem(str(path), fault.message, fault.line, hint=fault.hint)]
    except LockfileError as error:
        problems = [Problem(one.file, one.message, one.line, one.field, one.hint) for one in error.findings]
    return LockConfig(path, required), problems


def check_lock(config: Config) -> None:
    """Raises ConfigError where a lock file is required and missing."""
    if config.lock.required and config.lock.lockfile is None:
        message = f"required, and there is no {config.lock.path or LOCK_NAME}"
        hint = "write it with `toolgate lock`, review it, and keep it beside this file"
        raise ConfigError([config.problem(("lock",), message, hint)])
