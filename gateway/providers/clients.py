"""The HTTP clients of a gateway, one for each network that its providers are in."""

from __future__ import annotations

import ssl
from urllib.request import getproxies

from gateway.providers.http import DIRECT, HttpClient, Network
from gateway.providers.litellm_bridge import Bridge, LitellmClient
from gateway.providers.pooled_client import PooledClient


class HttpClients:
    """Clients by network, for the running event loop: each is made when it is first needed, and then kept."""

    def __init__(self) -> None:
        self._direct = PooledClient()
        self._others: dict[Network | Bridge, HttpClient] = {}

    def of(self, network: Network | Bridge) -> HttpClient:
        """The client for a network, or for a process that stands between. Raises ValueError for certificates that
        are none.
        """
        if network is DIRECT or network == DIRECT:
            return self._direct
        client = self._others.get(network)
        if client is None:
            client = self._others[network] = _client(network)
        return client

    async def aclose(self) -> None:
        """Close all connections; those in use as well."""
        for client in (self._direct, *self._others.values()):
            await client.aclose()


def make_http_client(*, proxy_from_environment: bool = False) -> HttpClient:
    """A client for the running event loop: our own, or aiohttp's when a proxy is wanted and there is one.

    `proxy_from_environment` obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
    """
    if proxy_from_environment and getproxies().keys() & {"http", "https"}:
        from gateway.providers.aiohttp_client import AiohttpClient  # noqa: PLC0415 - hardly anybody needs it

        return AiohttpClient(proxy_from_environment=True)
    return PooledClient()


def _client(network: Network | Bridge) -> HttpClient:
    if isinstance(network, Bridge):
        return LitellmClient(network)
    tls = ssl.create_default_context()
    if network.ca_certificates is not None:
        try:
            tls.load_verify_locations(cadata=network.ca_certificates)
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("ca_certificates are no certificates in PEM form") from error
    if network.proxy is None:
        return PooledClient(tls=tls)
    from gateway.providers.aiohttp_client import AiohttpClient  # noqa: PLC0415 - hardly anybody needs it

    return AiohttpClient(proxy=network.proxy, tls=tls)
