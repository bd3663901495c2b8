"""Which models each provider has: asked when needed, remembered, and never waited for long."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import anyio

from gateway.errors import UpstreamError
from gateway.providers.caller import ProviderCaller
from gateway.providers.provider import Provider

_log = logging.getLogger(__name__)

FRESH = 300.0
"""Seconds that a list is served without asking again."""
RETRY = 30.0
"""Seconds after a failure before a provider is asked again; what it said last is served meanwhile."""
DEADLINE = 5.0
"""Seconds for all providers together."""
_AT_ONCE = 8


@dataclass(slots=True)
class _Entry:
    models: tuple[str, ...] = ()
    ask_again_at: float = 0.0
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class ProviderModels:
    """The models of providers. A provider that fails or is too slow has those that it had last time."""

    def __init__(self, caller: ProviderCaller) -> None:
        self._caller = caller
        self._entries: dict[str, _Entry] = {}

    async def of(self, providers: Iterable[Provider]) -> dict[str, tuple[str, ...]]:
        """By provider's name. Never raises `UpstreamError`, and never takes longer than `DEADLINE`."""
        wanted = {provider.name: provider for provider in providers}
        at_once = anyio.CapacityLimiter(_AT_ONCE)
        with anyio.move_on_after(DEADLINE):
            async with anyio.create_task_group() as group:
                for provider in wanted.values():
                    group.start_soon(self._refresh, provider, at_once)
        return {name: self._entry(name).models for name in wanted}

    def _entry(self, name: str) -> _Entry:
        return self._entries.setdefault(name, _Entry())

    async def _refresh(self, provider: Provider, at_once: anyio.CapacityLimiter) -> None:
        entry = self._entry(provider.name)
        if anyio.current_time() < entry.ask_again_at:
            return
        # One request for everybody who asks at the same time.
        async with entry.lock:
            if anyio.current_time() < entry.ask_again_at:
                return
            entry.ask_again_at = anyio.current_time() + RETRY
            async with at_once:
                try:
                    entry.models = tuple(await self._caller.list_models(provider))
                except UpstreamError as error:
                    _log.warning("%s; its models are listed as they were", error.message)
                    return
            entry.ask_again_at = anyio.current_time() + FRESH
