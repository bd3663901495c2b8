"""Recognises a process that failed because it had no network."""

from __future__ import annotations

import re
from collections.abc import Sequence

# The words of glibc, Node, undici, Python's requests/urllib3/httpx/aiohttp, Go and curl for a host out of reach,
# and those of mcp-server-fetch. To be refused is one, too: without network there is only the loopback of the box.
_SIGNS = re.compile(
    r"\b(?:ENETUNREACH|EHOSTUNREACH|EAI_AGAIN|ENOTFOUND|EAI_FAIL)\b|getaddrinfo"  # not ModulENOTFOUNDError
    r"|Name or service not known|Temporary failure in name resolution|No address associated with hostname"
    r"|nodename nor servname provided|Network is unreachable|No route to host|fetch failed"
    r"|Could not resolve host|Failed to resolve|NameResolutionError|no such host"
    r"|\bECONNREFUSED\b|Connection refused|All connection attempts failed|Failed to establish a new connection"
    r"|Cannot connect to host|due to a connection issue",
    re.IGNORECASE,
)


def explains_network_failure(stderr_lines: Sequence[str]) -> bool:
    """Whether these lines of standard error, or of an error message, read like a want of network."""
    return any(_SIGNS.search(line) for line in stderr_lines)
