"""`toolgate lock`, `lock check` and `lock diff`: what the tool servers offer, written down and held against it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import click

from gateway.cli.commands import CommandGroup, nearest
from gateway.cli.locking.gathering import Gathered, gather, known_so_far, lockfile_of
from gateway.cli.locking.rendering import render, to_json
from gateway.cli.options import config_options, json_option
from gateway.cli.output import Failure, counted, print_json, say
from gateway.cli.session import load_quietly
from gateway.cli.setup.writing import Draft, write_all
from gateway.config import LOCK_NAME, Config, HttpServerConfig, OpenApiServerConfig, ServerConfig
from gateway.config.server_auth import UserAuth
from tool_policies.lockfile import Lockfile, ServerChange, compare, write_lockfile

_PATIENCE = 300.0  # seconds: packages of servers may have to be fetched


class _LockGroup(CommandGroup):
    """What is no command of its own names servers to be locked."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = ["write", *args]
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[check|diff] [OPTIONS] [SERVER]...")


def _looking(function: Callable[..., int]) -> Callable[..., int]:
    """A command on what was known and what there is now, for all servers or those that are named."""

    @functools.wraps(function)
    def command(
        servers: tuple[str, ...],
        config_path: Path | None,
        mcp_configs: tuple[Path, ...],
        as_user: str | None,
        timeout: float,
        as_json: bool,
    ) -> int:
        config = load_quietly(config_path, mcp_configs)
        look = _look(config, _chosen(config, servers, as_user), as_user, timeout, quiet=as_json)
        return function(look, as_json=as_json)

    somebody = click.option(
        "--as-user",
        metavar="USER",
        help="List servers whose users sign in with the tokens of this one, who has.",
    )
    patience = click.option(
        "--timeout",
        type=click.FloatRange(1, 3600),
        default=_PATIENCE,
        show_default=True,
        help="Seconds for the servers.",
    )
    return click.argument("servers", nargs=-1)(config_options(somebody(patience(json_option(command)))))


@click.group(cls=_LockGroup, help="Write down what the tool servers offer, for you to review, in tools.lock.")
def command() -> None:
    """Servers are started as the gateway would start them. Exit status 1 when one of them cannot be."""


@command.command("write", hidden=True)
@_looking
def write(look: _Look, *, as_json: bool) -> int:
    """Write tools.lock for all servers, or these alone. Of those that cannot be started, what is there stays."""
    is_new = not look.is_file
    if look.gathered.servers or not is_new:
        text = write_lockfile(look.fresh)
        if is_new or text != write_lockfile(look.known):
            write_all([Draft(look.path, text)])
    if as_json:
        print_json({"file": str(look.path), **look.to_json()})
    else:
        look.show()
        look.tell_failures("what was locked of it is kept" if look.is_file else "it is not locked")
        say(f"{look.path}: {', '.join(look.counts())}")
    return 1 if look.gathered.failed else 0


@command.command("check")
@_looking
def check(look: _Look, *, as_json: bool) -> int:
    """Exit status 1 when anything is not as it was locked, or cannot be looked at: for CI."""
    if not look.is_file:
        raise Failure(f"there is no {look.path}", hint="write it with `toolgate lock`", status=2)
    is_right = not look.changes and not look.gathered.failed
    if as_json:
        print_json({"ok": is_right, **look.to_json()})
    else:
        look.show()
        look.tell_failures("it cannot be looked at")
        say("all is as it was locked" if is_right else "not all is as it was locked")
    return 0 if is_right else 1


@command.command("diff")
@_looking
def diff(look: _Look, *, as_json: bool) -> int:
    """Show what has changed since it was locked or, without a lock file, since it was first seen."""
    if as_json:
        print_json(look.to_json())
    else:
        look.show()
        look.tell_failures("it cannot be looked at")
        if not look.changes:
            say("nothing has changed")
    return 1 if look.gathered.failed else 0


@dataclass(frozen=True, slots=True)
class _Look:
    """What was known, and what there is now."""

    path: Path
    is_file: bool
    known: Lockfile
    fresh: Lockfile
    gathered: Gathered
    changes: tuple[ServerChange, ...]

    def show(self) -> None:
        """The differences, as data, and what cannot be locked."""
        for line in render(self.changes):
            click.echo(line, color=True)
        for line in self.gathered.left_out:
            say(f"{line}; it is left out", label="warning")

    def tell_failures(self, consequence: str) -> None:
        """The servers that did not come up."""
        for name, why in self.gathered.failed.items():
            say(f"{name} could not be started: {why}; {consequence}", label="error")
        if self.gathered.failed:
            say("`toolgate doctor` says more", label="hint")

    def counts(self) -> Iterator[str]:
        """How much the file holds."""
        yield counted(len(self.fresh.servers), "server")
        yield counted(self.fresh.tools, "tool")
        if self.fresh.prompts:
            yield counted(self.fresh.prompts, "prompt")

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "changes": to_json(self.changes),
            "failed": self.gathered.failed,
            "left_out": self.gathered.left_out,
        }


def _look(config: Config, names: Sequence[str], as_user: str | None, timeout: float, *, quiet: bool) -> _Look:
    async def look() -> tuple[Lockfile, bool, Gathered]:
        known, is_file = await known_so_far(config)
        found = await gather(config, names, known, patience=timeout, quiet=quiet, as_user=as_user)
        return known, is_file, found

    known, is_file, gathered = anyio.run(look, backend_options={"use_uvloop": True})
    fresh = lockfile_of(gathered, known, config)
    path = config.lock.path or Path(LOCK_NAME)
    return _Look(path, is_file, known, fresh, gathered, compare(known, fresh))


def _chosen(config: Config, servers: Sequence[str], as_user: str | None) -> list[str]:
    """The servers that are named, or all that are started. Raises Failure."""
    known = [server.name for server in config.servers]
    for name in servers:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known) or 'none'}"
            raise Failure(f"there is no tool server {name!r}", hint=hint, status=2)
    chosen = list(servers) or [server.name for server in config.servers if not server.disabled]
    if as_user is not None and not any(_has_users(one) for one in config.servers if one.name in chosen):
        hint = "leave it out: it is for servers with `auth: {type: oauth}`"
        raise Failure("--as-user is of no use: users sign in to none of these servers", hint=hint, status=2)
    return chosen


def _has_users(server: ServerConfig) -> bool:
    is_remote = isinstance(server, HttpServerConfig | OpenApiServerConfig)
    return is_remote and isinstance(server.auth, UserAuth)
