"""What the servers offer now, each started as the gateway would start it, and what is known of them so far."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio

from gateway.building.server_locks import server_spec
from gateway.building.services import public_url
from gateway.cli.loading import is_without_database
from gateway.cli.output import say
from gateway.cli.progress import tell_changes
from gateway.config import Config
from gateway.errors import StoreError
from gateway.hub import (
    CataloguePrompt,
    CatalogueTool,
    HttpServerSpec,
    Hub,
    Listing,
    ListingCredentials,
    OpenApiServerSpec,
    PublicPlace,
    ServerSpec,
)
from gateway.store import FirstSightings, SealedCredentials, open_database
from sandbox import open_sandbox
from tool_policies.lockfile import LockedServer, LockedTool, Lockfile, Source, Uncanonical

_POLL_SECONDS = 0.2


@dataclass(slots=True)
class Gathered:
    """What each server offers, why others do not, and what of a listing cannot be locked."""

    servers: dict[str, LockedServer] = field(default_factory=dict[str, LockedServer])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    _left_out: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def left_out(self) -> list[str]:
        """What cannot be locked, and why; those of one server together."""
        return [f"{server}: {why}" for server, reasons in self._left_out.items() for why in reasons]

    def basis(self, server: str) -> object:
        """Nothing: it takes what it is given."""
        return None

    async def verify_source(self, server: str, source: Source | None) -> None:
        """It may come from anywhere."""

    async def verify(self, server: str, source: Source | None, listing: Listing) -> Listing:
        """Take down a listing in the place of any before. See `gateway.hub.locking.Verifier`."""
        left_out = self._left_out[server] = []
        tools, prompts = (
            self._locked(server, "tool", listing.tools),
            self._locked(server, "prompt", listing.prompts),
        )
        if source is not None and source.kind in ("npm", "pypi") and source.packages is None:
            left_out.append("it is not known of every package that came with it what it is")
        left_out.extend(f"the {bad.kind} {bad.name}: {bad.reason}" for bad in listing.bad)
        words = listing.about.instructions if listing.about else None
        self.servers[server] = LockedServer.of(source, tools, words, prompts)
        return listing

    def _locked(
        self, server: str, kind: str, listed: Sequence[CatalogueTool | CataloguePrompt]
    ) -> list[LockedTool]:
        found: list[LockedTool] = []
        for entry in listed:
            try:
                found.append(LockedTool.of(entry.definition))
            except Uncanonical as problem:
                self._left_out[server].append(f"the {kind} {entry.name}: {problem}")
        return found

    def take_issuer(self, server: str, known: LockedServer | None) -> None:
        """Of a server that wants tokens: what is known of their issuer stands while it cannot be found out."""
        found = self.servers[server]
        if found.source is None or found.source.issuer is not None:
            return
        if known is not None and known.source is not None and known.source.admits(found.source):
            self.servers[server] = replace(found, source=known.source)
        else:
            self._left_out[server].append("it cannot be found out who issues its tokens")


async def known_so_far(config: Config) -> tuple[Lockfile, bool]:
    """The lock file, or else what was first seen; whether it is the file."""
    if config.lock.lockfile is not None:
        return config.lock.lockfile, True
    if is_without_database(config):
        return Lockfile(), False
    try:
        async with open_database(config.storage.database, read_only=True) as database:
            return await FirstSightings(database).load(), False
    except StoreError:  # nobody has seen anything, or of an older version: then all is seen for the first time
        return Lockfile(), False


@asynccontextmanager
async def _credentials(
    config: Config, specs: Sequence[ServerSpec], as_user: str | None
) -> AsyncGenerator[ListingCredentials | None]:
    """What servers with `auth` are listed with, out of what the gateway keeps; None where there is no such server.

    Raises StoreError.
    """
    at_urls = [spec for spec in specs if isinstance(spec, HttpServerSpec | OpenApiServerSpec)]
    if not any(spec.auth and not spec.disabled for spec in at_urls):
        yield None
        return
    async with open_database(config.storage.database) as database:
        vault = await SealedCredentials.open(database, config.storage.state_dir)
        yield ListingCredentials(at_urls, vault, PublicPlace(public_url(config)), as_user)


async def gather(
    config: Config,
    names: Collection[str],
    known: Lockfile,
    *,
    patience: float,
    quiet: bool,
    as_user: str | None = None,
) -> Gathered:
    """Start the named servers, with the packages and images that are known, and list their tools.

    Servers whose users have tokens of their own are listed with those of `as_user`. Raises StoreError.
    """
    sandbox = open_sandbox(state_dir=config.storage.state_dir, cache_dir=config.storage.cache_dir)
    gathered = Gathered()
    specs = [server_spec(server, known) for server in config.servers if server.name in names]
    told: dict[str, str] = {}
    async with (
        _credentials(config, specs, as_user) as credentials,
        Hub(specs, sandbox, verifier=gathered, credentials=credentials) as hub,
    ):
        with anyio.move_on_after(patience):
            while any(status.state == "starting" for status in hub.statuses()):
                if not quiet:
                    tell_changes(hub.statuses(), told, say)
                await anyio.sleep(_POLL_SECONDS)
        if not quiet:
            tell_changes(hub.statuses(), told, say)
        for status in hub.statuses():
            if status.name not in gathered.servers:
                late = f"not ready within {patience:g} s: {status.activity or 'still starting'}"
                why = "it is disabled" if status.state == "disabled" else status.error or late
                gathered.failed[status.name] = why
    for spec in specs:
        if isinstance(spec, HttpServerSpec | OpenApiServerSpec) and spec.auth and spec.name in gathered.servers:
            gathered.take_issuer(spec.name, known.servers.get(spec.name))
    return gathered


def lockfile_of(gathered: Gathered, known: Lockfile, config: Config) -> Lockfile:
    """What is known, with what was gathered in its place; without servers that there are no more.

    Those that programs register come from nowhere: whether they are gone, only their program can say.
    """
    found = {name: _with_known_texts(one, known.servers.get(name)) for name, one in gathered.servers.items()}
    of_programs = [name for name, server in known.servers.items() if server.source is None]
    return known.replaced(found, keep=[*(server.name for server in config.servers), *of_programs])


def _with_known_texts(server: LockedServer, known: LockedServer | None) -> LockedServer:
    """The same, with the order of members as it was in what has not changed: a file shows changes alone."""
    if known is None:
        return server
    prompts = None if server.prompts is None else _as_known(server.prompts, known.prompts or {})
    return LockedServer.of(server.source, _as_known(server.tools, known.tools), server.instructions, prompts)


def _as_known(found: Mapping[str, LockedTool], before: Mapping[str, LockedTool]) -> list[LockedTool]:
    return [
        before[name] if name in before and before[name].sha256 == one.sha256 else one
        for name, one in found.items()
    ]
