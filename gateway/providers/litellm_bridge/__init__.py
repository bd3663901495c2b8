"""Providers that toolgate does not speak with itself, reached through LiteLLM in a process of its own.

Above: `gateway.providers.clients` gives a client for them. Below: `program`, the one place that imports LiteLLM,
which comes with an extra and is never in the gateway's own process: it is large, slow to start, and changes what
it is given. The process starts with the first request, is started again when it has died, and ends with the
gateway.
"""

from gateway.providers.litellm_bridge.client import Bridge, LitellmClient, is_installed

__all__ = ["Bridge", "LitellmClient", "is_installed"]
