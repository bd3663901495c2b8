"""The tool servers: each is started as the gateway would start it, and has to list its tools."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import anyio

from gateway.building.server_locks import locks_of_file, server_spec
from gateway.cli.checkup.findings import Finding, Tell
from gateway.cli.checkup.tokens import check_issuers, wants_tokens
from gateway.cli.output import counted
from gateway.cli.progress import tell_changes
from gateway.config import (
    Config,
    HttpServerConfig,
    OpenApiServerConfig,
    ServerConfig,
    StdioServerConfig,
)
from gateway.hub import Hub, ServerStatus, describe_drift
from sandbox import Sandbox, StdioServer, explains_network_failure

_LINES = 10  # of a server's standard error
_POLL_SECONDS = 0.2
_CREDENTIAL = re.compile(r"key|token|secret|passw|credential|auth|cookie|dsn", re.IGNORECASE)
_WHERE = {
    "stdio": "",
    "http": ", over HTTP",
    "sse": ", over HTTP",
    "in_process": ", in this process",
    "openapi": ", by its OpenAPI document",
}
_SILENT = "run its command by hand: it has to speak MCP on its standard output, and to log to its standard error"
_MISSING_NETWORK = "it has no network, and this reads like it needs one: sandbox: {network: open}"

_OUT_OF_SIGHT = (
    "its box sees nothing of {folder}: mount it by "
    'sandbox.mounts: ["{folder}:{folder}"], with :rw at its end if it may write; '
    "or give each key a folder of its own by sandbox.workspace"
)
_IN_EVERY_BOX = frozenset(map(Path, ("/", "/usr", "/bin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")))


async def check_servers(
    config: Config, sandbox: Sandbox, tell: Tell, progress: Callable[[str], None] | None, *, patience: float
) -> None:
    """Tell of each server as soon as it is up or has failed; of those that are neither in time, that.

    `progress` is told what the others are busy with.
    """
    with_tokens = [server for server in config.servers if wants_tokens(server)]
    waiting = {server.name: server for server in config.servers if not _is_listed_with_tokens(server)}
    told: dict[str, str] = {}
    locks = None if config.lock.lockfile is None else locks_of_file(config, config.lock.lockfile)
    specs = [locks.spec(server) if locks else server_spec(server) for server in waiting.values()]
    async with (
        Hub(specs, sandbox, verifier=locks.verifier if locks else None) as hub,
        anyio.create_task_group() as tasks,
    ):
        issuers = locks.issuers(config) if locks else dict[str, str]()
        tasks.start_soon(partial(check_issuers, with_tokens, issuers, tell, patience=patience))
        with anyio.move_on_after(patience):
            while waiting:
                for status in hub.statuses():
                    if status.name in waiting and status.state != "starting":
                        for finding in judge(status, waiting.pop(status.name)):
                            tell(finding)
                if progress is not None:
                    tell_changes([one for one in hub.statuses() if one.name in waiting], told, progress)
                await anyio.sleep(_POLL_SECONDS if waiting else 0)
        for status in hub.statuses():
            if status.name in waiting:
                message = f"not ready within {patience:g} s: {status.activity or 'still starting'}"
                tell(Finding("fail", "server", status.name, message, "wait longer with --timeout", _last(status)))


def _is_listed_with_tokens(server: ServerConfig) -> bool:
    """An API's operations are listed from its document."""
    return wants_tokens(server) and not server.disabled and isinstance(server, HttpServerConfig)


def judge(status: ServerStatus, server: ServerConfig) -> Iterator[Finding]:
    """Everything to tell of a server that is up or has failed."""
    yield _of_state(status, server)
    for bad in status.left_out:
        yield Finding("warn", "server", status.name, f"the {bad.kind} {bad.name} is left out: {bad.reason}")
    for drift in status.drift:
        yield Finding("warn", "server", status.name, describe_drift(status.name, drift).partition(": ")[2])
    yield from _of_secrets(server)


def _of_state(status: ServerStatus, server: ServerConfig) -> Finding:
    if status.state == "disabled":
        return Finding("ok", "server", status.name, "disabled")
    if status.state == "ready":
        where = f", in {status.sandbox}" if status.sandbox else _WHERE[status.transport]
        return Finding("ok", "server", status.name, f"ready, {counted(status.tools, 'tool')}{where}")
    return Finding("fail", "server", status.name, f"down: {status.error}", _advice(status, server), _last(status))


def _advice(status: ServerStatus, server: ServerConfig) -> str | None:
    if isinstance(server, OpenApiServerConfig):
        return None
    if not isinstance(server, StdioServerConfig):
        return "is it running, and is its URL that of streamable HTTP?"
    has_no_network = server.server.network == "none" and status.sandbox != "host"
    if has_no_network and explains_network_failure((*status.stderr_tail, status.error or "")):
        return _MISSING_NETWORK
    if (status.error or "").startswith("no answer"):
        return _SILENT
    if status.sandbox != "host" and (folder := _out_of_sight(server.server)):
        return _OUT_OF_SIGHT.format(folder=folder)
    return None


def _out_of_sight(server: StdioServer) -> Path | None:
    """A folder of this machine that the arguments name, or a file in it, and that is not in the server's box."""
    seen = [mount.target for mount in server.mounts] + ([server.workspace] if server.workspace else [])
    for argument in server.args:
        path = Path(argument.rpartition("=")[2])
        folder = path if path.is_dir() else path.parent
        is_of_box = folder in _IN_EVERY_BOX or not _IN_EVERY_BOX.isdisjoint(folder.parents[:-1])
        if path.is_absolute() and not is_of_box and folder.is_dir() and not any(map(path.is_relative_to, seen)):
            return folder
    return None


def _last(status: ServerStatus) -> tuple[str, ...]:
    return tuple(status.stderr_tail[-_LINES:])


def _of_secrets(server: ServerConfig) -> Iterator[Finding]:
    """A server can read what is in its environment, and with a network it can send it away."""
    if not isinstance(server, StdioServerConfig) or server.disabled:
        return
    held = sorted(_credentials(server.server.env))
    if held:
        is_open = server.server.network == "open" or server.server.backend == "host"
        what = "and could send them anywhere" if is_open else "and has no network to send them by"
        message = f"holds credentials in its environment ({', '.join(held)}), {what}"
        hint = "give it credentials that can do no more than this server must" if is_open else None
        yield Finding("warn" if is_open else "ok", "server", server.name, message, hint)


def _credentials(env: Mapping[str, str]) -> list[str]:
    return [name for name, value in env.items() if value and _CREDENTIAL.search(name)]
