"""Reads the configuration for a command."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import make_url

from gateway.config import DEFAULT_FILE, Config, load_config


def load(config_path: Path | None, mcp_configs: Sequence[Path], *, host: str | None = None) -> Config:
    """The configuration that the options name, else `./gateway.yaml`. Raises ConfigError with every mistake."""
    return load_config(config_path or Path(DEFAULT_FILE), mcp_configs=mcp_configs, host=host)


def is_without_database(config: Config) -> bool:
    """Whether nothing has been kept yet: looking must not make a database where there is none."""
    url = make_url(config.storage.database)
    return url.get_backend_name() == "sqlite" and bool(url.database) and not Path(url.database or "").exists()
