"""By which names this gateway lets itself be called, and from which pages: the guard against DNS rebinding.

A page in somebody's browser can point a name of its own at this machine and send requests to it; what gives it
away is the name in `Host`, and the page in `Origin` (MCP, "Security Warning" of the streamable HTTP transport).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from gateway.errors import ForeignOrigin, MisdirectedRequest

_LOOPBACK = re.compile(
    r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])\.?(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
_PORT = re.compile(r":[0-9]{1,5}\Z", re.ASCII)
_SCHEMES = ("http", "https")


def is_loopback_name(host: str) -> bool:
    """Whether this, as it stands in `Host`, is one of the names that every machine has for itself."""
    return _LOOPBACK.fullmatch(host) is not None


class HostGuard:
    """Lets requests through that call this gateway by a name of its own. This machine's names always are.

    `hosts` are others, with a port or for any port; `origins` are pages beyond those hosts that may send requests
    (`https://app.example.com`).
    """

    def __init__(self, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        self._hosts = frozenset(host.lower() for host in hosts if host)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def check(self, headers: Mapping[str, str]) -> None:
        """See where a request thinks that it is, and where it comes from; names in `headers` are in lower case.

        Raises MisdirectedRequest and ForeignOrigin, in words that repeat nothing of it.
        """
        if not self._is_ours(headers.get("host", "")):
            raise MisdirectedRequest(_UNKNOWN_HOST)
        origin = headers.get("origin")
        if origin is not None and not self._may_send(origin.lower()):
            raise ForeignOrigin(_FOREIGN_ORIGIN)

    def _is_ours(self, host: str) -> bool:
        if is_loopback_name(host):
            return True
        host = host.lower()
        return host in self._hosts or _PORT.sub("", host) in self._hosts

    def _may_send(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        is_bare = not (parts.path or parts.query or parts.fragment)
        return parts.scheme in _SCHEMES and is_bare and self._is_ours(parts.netloc)


_UNKNOWN_HOST = (
    "this gateway is not known by the name in the Host header; "
    "its operator can allow it with mcp_endpoint.allowed_hosts"
)
_FOREIGN_ORIGIN = (
    "pages of the site in the Origin header may not use this gateway; "
    "its operator can allow them with mcp_endpoint.allowed_origins"
)
