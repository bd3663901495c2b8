"""The machine: the port, the folders, the database, and what can confine a server."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import anyio.to_thread

from gateway.cli.checkup.findings import Finding, Tell
from gateway.cli.loading import is_without_database
from gateway.cli.output import Failure
from gateway.cli.serving import bind
from gateway.config import Config, Listen, StdioServerConfig
from gateway.errors import StoreError
from gateway.providers import Timeouts, make_http_client
from gateway.providers.http import HttpFault
from gateway.store import open_database
from sandbox import Availability, BackendName, Sandbox

_PATIENCE = 3.0  # seconds for whoever listens on our port to say what it is


async def check_port(listen: Listen, tell: Tell) -> None:
    """Whether the gateway could listen where it is told to; one that does already is no fault."""
    subject = f"{listen.host} port {listen.port}"
    try:
        with bind(listen.host, listen.port):
            tell(Finding("ok", "listen", subject, "free"))
    except Failure as failure:
        if await _is_toolgate(listen):
            tell(Finding("ok", "listen", subject, "a toolgate listens there"))
        else:
            tell(Finding("fail", "listen", subject, failure.message, failure.hint))


async def _is_toolgate(listen: Listen) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - it is not bound here
    url = f"http://[{host}]:{listen.port}/healthz" if ":" in host else f"http://{host}:{listen.port}/healthz"
    client = make_http_client()
    patience = Timeouts(_PATIENCE, _PATIENCE, _PATIENCE)
    try:
        with anyio.move_on_after(_PATIENCE):
            async with client.request("GET", url, {}, b"", patience) as answer:
                return await answer.read(limit=1024) == b'{"status":"ok"}'
    except (HttpFault, ValueError):
        return False
    finally:
        with anyio.move_on_after(_PATIENCE, shield=True):
            await client.aclose()
    return False


async def check_storage(config: Config, tell: Tell) -> None:
    """Whether what must be kept can be kept."""
    storage = config.storage
    folders = {"state folder": storage.state_dir, "cache folder": storage.cache_dir}
    if storage.audit_jsonl is not None:
        folders["audit file's folder"] = storage.audit_jsonl.parent
    for name, folder in folders.items():
        tell(await anyio.to_thread.run_sync(_look_at_folder, name, folder))
    if is_without_database(config):
        tell(Finding("ok", "storage", "database", "none yet, to be made"))
        return
    try:
        async with open_database(storage.database):
            tell(Finding("ok", "storage", "database", "can be opened"))
    except StoreError as error:
        tell(Finding("fail", "storage", "database", str(error), "see `storage.database` in the configuration"))


def _look_at_folder(name: str, folder: Path) -> Finding:
    """A folder that is not there yet is made on the first start, if the nearest above it can be written to."""
    there = next((one for one in (folder, *folder.parents) if os.path.lexists(one)), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        hint = f"make it writable for this user, or set another under `storage`: {folder}"
        return Finding("fail", "storage", name, f"cannot write to {there}: {error.strerror}", hint)
    return Finding("ok", "storage", name, f"{folder}" if there == folder else f"{folder}, to be made")


async def check_sandboxes(sandbox: Sandbox, config: Config | None, tell: Tell) -> None:
    """What can confine servers here. One of the two is enough, unless a server names the other."""
    available = await sandbox.probe()
    for finding in _judged(available, config):
        tell(finding)


def _judged(available: Mapping[BackendName, Availability], config: Config | None) -> Iterator[Finding]:
    confining = {name: found for name, found in available.items() if name != "host"}
    is_one_there = any(found.ok for found in confining.values())
    stdio = [one for one in config.servers if isinstance(one, StdioServerConfig)] if config else []
    for name, found in confining.items():
        is_needed = any(one.server.backend == name and not one.disabled for one in stdio)
        if found.ok:
            yield Finding("ok", "sandbox", name, found.detail, found.hint)
        else:
            yield Finding("fail" if is_needed else "warn", "sandbox", name, found.detail, found.hint)
    if not is_one_there and any(one.server.backend == "auto" and not one.disabled for one in stdio):
        hint = "install Docker or bubblewrap"
        yield Finding("fail", "sandbox", "all", "nothing works that could confine the tool servers", hint)
