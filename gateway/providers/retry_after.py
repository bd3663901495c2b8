"""How long a provider that refused wants to be left alone, wherever it says so.

Above: routing asks this of a refusal. Below: HTTP's headers (RFC 9110, section 10.2.3), and the body of Google's
errors (google.rpc.RetryInfo), which say it in no header. Refuses to know: what is done about it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

_RETRY_INFO = "google.rpc.RetryInfo"
_SECONDS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)s", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)


def retry_after(headers: Mapping[str, str], body: bytes, *, now: datetime | None = None) -> float | None:
    """Seconds to wait, never below 0; None where the provider does not say.

    `headers` have lower-case names; `body` may be anything. `now` is aware; it counts for dates alone.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after", "").strip()
    seconds = _number(told)
    if seconds is None and told:
        seconds = _until(told, now or datetime.now(UTC))
    return _in_body(body) if seconds is None else seconds


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, math.ceil((then - now).total_seconds()))


def _in_body(body: bytes) -> float | None:
    if _RETRY_INFO.encode() not in body:
        return None
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(value, list):  # Google's streams that are no events are arrays
        value = next(iter(list_or_empty(value)), None)
    error = object_or_none((object_or_none(value) or {}).get("error")) or {}
    for entry in list_or_empty(error.get("details")):
        detail = object_or_none(entry) or {}
        if text_or_empty(detail.get("@type")).endswith(_RETRY_INFO):
            match = _SECONDS.fullmatch(text_or_empty(detail.get("retryDelay")))
            return float(match[1]) if match else None
    return None
