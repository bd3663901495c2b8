"""Both HTTP clients, on both event loops."""

from __future__ import annotations

import pytest

from gateway.providers.aiohttp_client import AiohttpClient
from gateway.providers.pooled_client import PooledClient


@pytest.fixture(params=["own", "aiohttp"])
async def client(request):
    client = PooledClient() if request.param == "own" else AiohttpClient()
    yield client
    await client.aclose()
