"""The files of a first configuration, found to be right before any of them is written."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gateway.cli.setup.env_file import with_missing
from gateway.cli.setup.texts import DEFAULT_POLICY, KEY_VARIABLE, POLICY_FILE, Choices, gateway_yaml
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import DEFAULT_FILE, load_config

_SHORTEST_KEY = 16  # characters


def key_for(environ: Mapping[str, str]) -> str:
    """The virtual key: the one that is there already, or a fresh one."""
    known = environ.get(KEY_VARIABLE, "")
    return known if len(known) >= _SHORTEST_KEY and known.isascii() else f"tg-{secrets.token_urlsafe(32)}"


def checked_drafts(
    folder: Path, env_text: str, choices: Choices, variables: Mapping[str, str], environ: Mapping[str, str]
) -> list[Draft]:
    """The files to write. Blocking. Raises ConfigError if the configuration would not be right."""
    texts = {DEFAULT_FILE: gateway_yaml(choices), POLICY_FILE: DEFAULT_POLICY}
    env = with_missing(env_text, variables, "Written by `toolgate init`. Secrets: for your eyes alone.")
    with tempfile.TemporaryDirectory(prefix="toolgate-init-") as trial:
        write_all(_drafts(Path(trial), texts, env))
        load_config(Path(trial) / DEFAULT_FILE, environ=environ)
    drafts = _drafts(folder, texts, env)
    return drafts if env != env_text else drafts[:-1]


def _drafts(folder: Path, texts: Mapping[str, str], env: str) -> list[Draft]:
    drafts = [Draft(folder / name, text) for name, text in texts.items()]
    return [*drafts, Draft(folder / ".env", env, mode=0o600)]
