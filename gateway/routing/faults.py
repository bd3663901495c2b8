"""What a provider's failure means for the rest of the call: who may do better, and when.

Pure. Above: `calling` acts on it. Below: `gateway.errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import UpstreamError, UpstreamRefused, UpstreamTimeout
from gateway.providers.retry_after import retry_after

LONGEST_DELAY = 3600.0
"""Seconds; who asks for more is asked again all the same."""
SHORT_REST = 1.0
"""Seconds for which a key is left alone whose provider refuses for now and does not say for how long."""
LONG_REST = 60.0
"""Seconds for which a key is left alone that is not accepted, or has nothing left to spend."""

_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", re.ASCII)
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,5}}", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """One class of failures.

    `elsewhere`: another deployment may do better. `again`: this one may, a little later. `blames`: it speaks
    against the deployment, and counts for its breaker. `of_key`: another key of the same provider may do better.
    """

    name: str
    elsewhere: bool = True
    again: bool = False
    blames: bool = False
    of_key: bool = False


REQUEST = Fault("refused", elsewhere=False)
ABSENT = Fault("absent")
CREDENTIALS = Fault("credentials", of_key=True)
QUOTA = Fault("quota", of_key=True)
LIMITED = Fault("rate_limited", again=True, of_key=True)
BUSY = Fault("busy", again=True)
"""It has as many calls under way as it may have."""
OPEN = Fault("breaker_open")
"""It is left alone, because it failed too often."""
UNREADY = Fault("not_ready", again=True)
BROKEN = Fault("failed", again=True, blames=True)
SLOW = Fault("timeout", blames=True)

_BY_STATUS = {
    401: CREDENTIALS,
    402: QUOTA,
    403: CREDENTIALS,
    404: ABSENT,
    408: UNREADY,
    424: BROKEN,
    409: UNREADY,
    425: UNREADY,
}
_QUOTA_CODES = (b'"insufficient_quota"', b'"billing_error"', b'"credit_balance')


def judge(error: UpstreamError) -> Fault:
    """The class of a failure."""
    if isinstance(error, UpstreamRefused):
        return _judge_refusal(error)
    if isinstance(error, UpstreamTimeout):
        return SLOW
    return BROKEN


def _judge_refusal(error: UpstreamRefused) -> Fault:
    answer = error.answer
    if answer.status == 429:
        return QUOTA if any(code in answer.body for code in _QUOTA_CODES) else LIMITED
    if answer.status == 501:
        return ABSENT
    if answer.status >= 500:
        return BROKEN
    return _BY_STATUS.get(answer.status, REQUEST)


def another_may_do_better(error: UpstreamError) -> bool:
    """False for what is wrong with the request itself."""
    return judge(error).elsewhere


def wanted_delay(error: UpstreamError) -> float | None:
    """Seconds for which the provider wants to be left alone; None where it does not say."""
    if not isinstance(error, UpstreamRefused) or error.answer.status < 429:
        return None
    told = retry_after(error.answer.headers, error.answer.body)
    if told is None:
        told = _until_reset(error.answer.headers)
    return None if told is None else min(told, LONGEST_DELAY)


def forbids_retries(error: UpstreamError) -> bool:
    """Whether the provider says that the same request would fail again."""
    return isinstance(error, UpstreamRefused) and error.answer.headers.get("x-should-retry") == "false"


def rest_for(error: UpstreamError, fault: Fault) -> float:
    """Seconds for which the key that was used is left alone; 0 when the failure says nothing of it."""
    if not fault.of_key:
        return 0.0
    told = wanted_delay(error)
    if fault is LIMITED:
        return SHORT_REST if told is None else told
    return max(LONG_REST, told or 0.0)


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """When what is used up will be there again, of the kinds that are (`x-ratelimit-*`)."""
    resets = [
        _duration(headers.get(f"x-ratelimit-reset{kind}", ""))
        for kind in ("", "-requests", "-tokens")
        if headers.get(f"x-ratelimit-remaining{kind}", "0").strip() == "0"
    ]
    return max((seconds for seconds in resets if seconds is not None), default=None)


def _duration(text: str) -> float | None:
    """`1m30.5s` and `250ms` as OpenAI writes them, or plain seconds; None for a point in time and for nonsense."""
    text = text.strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        return seconds if seconds <= LONGEST_DELAY else None
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
