"""What this machine has: keys of model providers, an Ollama, something to confine servers with.

Nothing leaves the machine for it: the environment is read, and one short request goes to loopback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio

from gateway.errors import UpstreamError
from gateway.providers import (
    KNOWN_PROVIDERS,
    HttpClients,
    KnownProvider,
    ProviderCaller,
    Timeouts,
    make_provider,
)
from sandbox import Availability, BackendName, open_sandbox

_PATIENCE = 1.5  # seconds for an Ollama to answer
_FOR_MORE_THAN_MODELS = frozenset(
    {
        *("GITHUB_TOKEN", "HF_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "CLOUDFLARE_API_TOKEN", "DATABRICKS_TOKEN"),
        *("SCW_SECRET_KEY", "SNOWFLAKE_PAT", "WANDB_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"),
    }
)
"""Variables that people set for other ends, too: not to be used for models unless somebody says so."""


@dataclass(frozen=True, slots=True)
class FoundProvider:
    """A provider whose key is in the environment. `is_plain` unless the key may be there for something else."""

    row: KnownProvider
    variable: str
    is_plain: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """`ollama` has the names of its models; None where there is no Ollama."""

    providers: tuple[FoundProvider, ...]
    ollama: tuple[str, ...] | None
    sandboxes: Mapping[BackendName, Availability]

    @property
    def confines(self) -> bool:
        """Whether tool servers can run confined here."""
        return any(found.ok for name, found in self.sandboxes.items() if name != "host")


async def look_around(environ: Mapping[str, str], state_dir: Path, cache_dir: Path) -> Machine:
    """Everything there is, within a few seconds."""
    found: list[tuple[str, ...] | None] = []
    probed: list[Mapping[BackendName, Availability]] = []

    async def ask_ollama() -> None:
        found.append(await find_ollama())

    async def probe() -> None:
        probed.append(await open_sandbox(state_dir=state_dir, cache_dir=cache_dir).probe())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask_ollama)
        tasks.start_soon(probe)
    return Machine(tuple(find_providers(environ)), found[0], probed[0])


def find_providers(environ: Mapping[str, str]) -> Iterator[FoundProvider]:
    """Those whose key is in the environment and whose address is known; of several with one key, the first."""
    seen: set[str] = set()
    for row in KNOWN_PROVIDERS.values():
        if row.env is None or row.base_url is None or row.env in seen or not _is_key(environ.get(row.env, "")):
            continue
        seen.add(row.env)
        yield FoundProvider(row, row.env, row.env not in _FOR_MORE_THAN_MODELS)


def _is_key(value: str) -> bool:
    return bool(value.strip()) and value.isascii() and value.strip().isprintable()


async def find_ollama(base_url: str | None = None) -> tuple[str, ...] | None:
    """The models of the Ollama on this machine, None when there is none. One short request, to loopback."""
    provider = make_provider("ollama", base_url=base_url, timeouts=Timeouts(_PATIENCE, _PATIENCE, _PATIENCE))
    clients = HttpClients()
    models = None
    try:
        with anyio.move_on_after(_PATIENCE):
            models = tuple(await ProviderCaller(clients).list_models(provider))
    except UpstreamError:
        return None
    finally:
        with anyio.move_on_after(_PATIENCE, shield=True):
            await clients.aclose()
    return models
