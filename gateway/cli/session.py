"""A gateway for one command: opened, used, closed, without serving anybody."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio

from gateway.auth import KeyId
from gateway.building.shared import open_shared
from gateway.cli.commands import nearest
from gateway.cli.loading import load
from gateway.cli.output import Failure
from gateway.cli.progress import settle
from gateway.config import Config
from gateway.runtime import Gateway, open_gateway
from gateway.telemetry.logs import configure_logging

ResultT = TypeVar("ResultT")


def load_quietly(config_path: Path | None, mcp_configs: tuple[Path, ...]) -> Config:
    """The configuration of a command that serves nobody: only what goes wrong is logged. Raises ConfigError."""
    config = load(config_path, mcp_configs)
    configure_logging(level="error", json=False, secrets=config.secrets)
    return config


def with_gateway(config: Config, use: Callable[[Gateway], Awaitable[ResultT]], *, quiet: bool) -> ResultT:
    """Run `use` with the gateway of a configuration, its servers having come up as far as they can."""

    async def run() -> ResultT:
        async with _opened(config, quiet=quiet) as gateway:
            return await use(gateway)

    return anyio.run(run, backend_options={"use_uvloop": True})


@asynccontextmanager
async def _opened(config: Config, *, quiet: bool) -> AsyncGenerator[Gateway]:
    async with open_shared(config) as shared, open_gateway(config, shared) as gateway:
        await settle(gateway, quiet=quiet)
        yield gateway


def chosen_key(config: Config, given: str | None) -> KeyId:
    """The key that a command acts for: the one named, or the only one there is. Raises Failure."""
    names: Sequence[str] = [key.name for key in config.keys]
    if given is None and len(names) == 1:
        return KeyId(names[0])
    if not names:
        raise Failure("there are no keys in this configuration", hint="run `toolgate init`", status=2)
    if given is None:
        raise Failure("there are several keys", hint=f"say which with --key: {', '.join(names)}", status=2)
    if given not in names:
        near = nearest(given, names)
        hint = f"did you mean {near}?" if near else f"known are {', '.join(names)}"
        raise Failure(f"there is no key {given!r}", hint=hint, status=2)
    return KeyId(given)
