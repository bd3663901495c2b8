"""Tokens: what an endpoint answers, and how long it is good for (RFC 6749, section 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from gateway.hub.credentials.challenges import read_scopes
from gateway.hub.credentials.faults import OAuthFault

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_CODE = re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII)
_LONGEST_LIFE = 366 * 86_400.0  # seconds
_AHEAD = 60.0  # seconds before its end that a token is renewed; a tenth of its life, if that is shorter


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, and what renews it. `renew_at` is in seconds since the epoch; None if nobody said."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    renew_at: float | None = None
    scopes: tuple[str, ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """What goes with a message (RFC 6750, section 2.1)."""
        return {"Authorization": f"Bearer {self.access}"}

    def is_fresh(self, now: float) -> bool:
        """Whether it need not be renewed yet."""
        return self.renew_at is None or now < self.renew_at


def read_tokens(status: int, document: Mapping[str, Any], *, asked: tuple[str, ...], now: float) -> Tokens:
    """The tokens in an answer; scopes that it does not name are those that were asked for. Raises OAuthFault."""
    if status != 200:
        raise refused(status, document)
    access, refresh = document.get("access_token"), document.get("refresh_token")
    if not _is_token(access) or str(document.get("token_type", "")).lower() != "bearer":
        raise OAuthFault("its authorization server gave no bearer token")
    life = _lifetime(document.get("expires_in"))
    return Tokens(
        access=cast("str", access),
        refresh=cast("str", refresh) if _is_token(refresh) else None,
        renew_at=None if life is None else now + life - min(_AHEAD, life / 10),
        scopes=read_scopes(document["scope"]) if isinstance(document.get("scope"), str) else asked,
    )


def refused(status: int, document: Mapping[str, Any]) -> OAuthFault:
    """What an endpoint's refusal means; a server's description is not repeated."""
    code = document.get("error")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else None
    because = f" ({code})" if code else ""
    message = f"its authorization server refused with HTTP {status}{because}"
    return OAuthFault(message, is_passing=status >= 500 or status == 429, code=code)


def _is_token(value: Any) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _lifetime(value: Any) -> float | None:
    """In seconds; some say it as a string."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return min(float(value), _LONGEST_LIFE)
