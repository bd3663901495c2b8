"""What browsers must be told before pages of another origin may read what is answered here (Fetch, "CORS").

Which pages may is for `gateway.api.hosts` to say: for all others, none of this is ever sent. No cookies count
here, so none are allowed either: a page needs a key like everybody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gateway.api.responses import Response

_NAMES = re.compile(r"[A-Za-z0-9_-]{1,64}(?:[ \t]*,[ \t]*[A-Za-z0-9_-]{1,64}){0,63}", re.ASCII)
_READABLE = "mcp-session-id, www-authenticate, retry-after, x-request-id, x-toolgate-run-id"
_GOOD_FOR = "600"  # seconds


def for_pages(headers: Mapping[str, str]) -> dict[str, str]:
    """What goes with every answer to a page that may read it; nothing for others than pages."""
    origin = headers.get("origin")
    if origin is None:
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": _READABLE,
        "vary": "Origin",
    }


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks what a page may do, before it does anything."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def may_ask(headers: Mapping[str, str]) -> Response:
    """The answer to that: whatever is taken here, with any headers, for a tool may want arguments in some."""
    wanted = headers.get("access-control-request-headers", "")
    allowed = {"access-control-allow-headers": wanted} if _NAMES.fullmatch(wanted) else {}
    methods = {"access-control-allow-methods": "GET, POST, DELETE", "access-control-max-age": _GOOD_FOR}
    return Response(200, b"", headers={**methods, **allowed})
