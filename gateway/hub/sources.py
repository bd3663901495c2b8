"""Where a server comes from, in words that may stand in a file which others read: never a credential."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from tool_policies.lockfile import Source

_MASK = "..."
_LONGEST_WORD = 20  # characters of a part of a path that is taken for a word even if it has digits
_LONGEST_PART = 40  # characters of one that is taken for a word at all


def source_of_url(url: str, issuer: str | None = None) -> Source:
    """Scheme, host, port and path; of a query, the names. Parts of the path that look like tokens are masked.

    So a token may be renewed, and the server is the same.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # whoever connects to it says what is wrong
        return Source("url", "(not a URL)", issuer=issuer)
    host = parts.netloc.rpartition("@")[2].lower()
    path = "/".join(_MASK if _looks_secret(part) else part for part in parts.path.split("/"))
    names = "&".join(f"{name}={_MASK}" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return Source("url", f"{parts.scheme}://{host}{path}{f'?{names}' if names else ''}", issuer=issuer)


def _looks_secret(part: str) -> bool:
    return len(part) > _LONGEST_PART or (len(part) > _LONGEST_WORD and re.search(r"[0-9]", part) is not None)
