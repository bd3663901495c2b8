"""Where a call writes to, as far as its arguments' names tell: what an auditor asks for first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from gateway.telemetry.visible import one_line

_NAMES_OF_PLACES = re.compile(
    r"(?:.*_)?(?:path|paths|file|files|filename|dir|directory|folder|source|destination|src|dst|target"
    r"|url|urls|uri|uris|endpoint|host|hostname|to|cc|bcc|recipient|recipients|address|email|channel"
    r"|repo|repository|bucket|table|database)"
)
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRETS_IN_URL = re.compile(r"(?<=://)[^/?#\s]*@|[?#].*", re.DOTALL)
_MOST_VALUES = 20
_LONGEST = 512


def write_targets(arguments: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Top-level arguments that name a place, with their values: strings alone, escaped and cut.

    Credentials, queries and fragments are taken out of URLs.
    """
    return {
        one_line(name, 80): places
        for name, value in arguments.items()
        if _NAMES_OF_PLACES.fullmatch(_WORD_STARTS.sub("_", name[:80]).lower()) and (places := _places(value))
    }


def _places(value: Any) -> tuple[str, ...]:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return tuple(_place(text) for text in values[:_MOST_VALUES] if isinstance(text, str))


def _place(text: str) -> str:
    return one_line(_SECRETS_IN_URL.sub("", text) if "://" in text else text, _LONGEST)
