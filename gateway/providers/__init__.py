"""Who hosts models, and how to talk to them: a table of providers, the HTTP client, one call on one provider.

Above: routing makes the calls (`gateway.providers.caller`); the composition root makes providers and the client.
Below: dialects, and HTTP. Refuses to know: aliases, fallbacks, tools, keys of ours.
"""

from gateway.providers.clients import make_http_client
from gateway.providers.http import HttpClient, Timeouts
from gateway.providers.provider import Provider, UnknownProvider, make_provider
from gateway.providers.table import KNOWN_PROVIDERS, KnownProvider

__all__ = [
    "KNOWN_PROVIDERS",
    "HttpClient",
    "KnownProvider",
    "Provider",
    "Timeouts",
    "UnknownProvider",
    "make_http_client",
    "make_provider",
]
