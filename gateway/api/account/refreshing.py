"""How the batches on a page are by now: the provider is asked of those alone that had not ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import anyio

from gateway.api.account.asked import Asked, shown
from gateway.errors import StoreError, UpstreamError
from gateway.store import ProviderObject

Learn = Callable[[Asked, ProviderObject], Awaitable[ProviderObject]]
"""Asks of one."""

_AT_ONCE = 8
_PATIENCE = 20.0
"""Seconds for the whole page."""


async def refresh(
    asked: Asked, page: Sequence[ProviderObject], is_final: Callable[[Mapping[str, Any]], bool], learn: Learn
) -> Sequence[ProviderObject]:
    """The same page. Of whatever cannot be learnt in time it says what was last known."""
    learnt = {one.object_id: one for one in page}
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def ask(one: ProviderObject) -> None:
        async with limiter:
            try:
                learnt[one.object_id] = await learn(asked, one)
            except (UpstreamError, StoreError):
                return

    with anyio.move_on_after(_PATIENCE):
        async with anyio.create_task_group() as tasks:
            for one in page:
                if not is_final(shown(one)):
                    tasks.start_soon(ask, one)
    return list(learnt.values())
