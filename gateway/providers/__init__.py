"""Who hosts models, and how to talk to them: a table of providers, the HTTP client, one call on one provider.

Above: routing makes the calls; the composition root makes providers and the client; the API reads answers.
Below: dialects, and HTTP. Refuses to know: aliases, fallbacks, tools, keys of ours.
"""

from gateway.providers.answers import ProviderAnswer
from gateway.providers.caller import ProviderCaller
from gateway.providers.clients import HttpClients, make_http_client
from gateway.providers.http import DIRECT, HttpClient, Network, Timeouts
from gateway.providers.litellm_bridge import Bridge
from gateway.providers.litellm_bridge import is_installed as litellm_is_installed
from gateway.providers.provider import (
    Authorizer,
    CredentialsUnavailable,
    Provider,
    UnknownProvider,
    make_provider,
)
from gateway.providers.table import KNOWN_PROVIDERS, KnownProvider

__all__ = [
    "DIRECT",
    "KNOWN_PROVIDERS",
    "Authorizer",
    "Bridge",
    "CredentialsUnavailable",
    "HttpClient",
    "HttpClients",
    "KnownProvider",
    "Network",
    "Provider",
    "ProviderAnswer",
    "ProviderCaller",
    "Timeouts",
    "UnknownProvider",
    "litellm_is_installed",
    "make_http_client",
    "make_provider",
]
