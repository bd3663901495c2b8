"""Shows how tool servers come up, a line for each change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio

from gateway.cli.output import counted, say
from gateway.hub import ServerStatus
from gateway.runtime import Gateway

_POLL_SECONDS = 0.2


async def settle(gateway: Gateway, *, quiet: bool = False) -> tuple[ServerStatus, ...]:
    """Wait until every server has been listed or has failed its first start, and tell what happens meanwhile."""
    told: dict[str, str] = {}
    async with anyio.create_task_group() as tasks:
        if not quiet:
            tasks.start_soon(_watch, gateway, told)
        await gateway.settled()
        tasks.cancel_scope.cancel()
    if not quiet:
        tell_changes(gateway.services.hub.statuses(), told, say)
    return gateway.services.hub.statuses()


def describe_status(status: ServerStatus) -> str:
    """One server in one line."""
    match status.state:
        case "ready":
            where = f", in {status.sandbox}" if status.sandbox else ""
            return f"{status.name}: ready, {counted(status.tools, 'tool')}{where}"
        case "down":
            return f"{status.name}: down: {status.error}"
        case "disabled":
            return f"{status.name}: disabled"
        case _:
            return f"{status.name}: {status.activity or 'starting'}"


async def _watch(gateway: Gateway, told: dict[str, str]) -> None:
    while True:
        tell_changes(gateway.services.hub.statuses(), told, say)
        await anyio.sleep(_POLL_SECONDS)


def tell_changes(statuses: Iterable[ServerStatus], told: dict[str, str], tell: Callable[[str], None]) -> None:
    """A line for each server whose line has changed; `told` has the last line of each."""
    for status in statuses:
        line = describe_status(status)
        if told.get(status.name) != line:
            told[status.name] = line
            tell(f"  {line}")
