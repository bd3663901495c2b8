"""Chooses the HTTP client."""

from __future__ import annotations

from urllib.request import getproxies

from gateway.providers.http import HttpClient
from gateway.providers.pooled_client import PooledClient


def make_http_client(*, proxy_from_environment: bool = False) -> HttpClient:
    """A client for the running event loop: our own, or aiohttp's when a proxy is wanted and there is one.

    `proxy_from_environment` obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
    """
    if proxy_from_environment and getproxies().keys() & {"http", "https"}:
        from gateway.providers.aiohttp_client import AiohttpClient  # noqa: PLC0415 - hardly anybody needs it

        return AiohttpClient(proxy_from_environment=True)
    return PooledClient()
