"""Names with wildcards: `*` stands for any text, also none and also with slashes; nothing else is special."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # The library's translation matches in bounded time; its other special characters are quoted.
    quoted = re.sub(r"[\[?]", lambda match: f"[{match.group()}]", pattern)
    return re.compile(fnmatch.translate(quoted))


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name fits the pattern."""
    return pattern in ("*", name) or ("*" in pattern and _compiled(pattern).match(name) is not None)
