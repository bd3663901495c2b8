"""Asks a token endpoint for a token (RFC 6749, section 4.4 and 5), for every kind of grant."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gateway.dialects.faults import WireFormatError
from gateway.dialects.json_values import load_object, number_or_none, text_or_empty
from gateway.providers.auth.bearer import Token
from gateway.providers.http import HttpClient, HttpFault, Timeouts
from gateway.providers.provider import CredentialsUnavailable
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

_PATIENCE = Timeouts(connect=10.0, first_byte=20.0, idle=10.0)
_LARGEST = 256 * 1024  # bytes of an answer
_LONGEST_LIFE = 24 * 3600.0  # seconds
_USUAL_LIFE = 600.0  # seconds, of a token that does not say
_CODE = re.compile(r"[a-zA-Z0-9_.-]{1,64}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}", re.ASCII)
_HEADERS: Mapping[str, str] = {
    "content-type": "application/x-www-form-urlencoded",
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "toolgate",
}


async def ask_for_token(client: HttpClient, url: str, form: Mapping[str, str]) -> Token:
    """The token for a grant. Raises CredentialsUnavailable, whose text holds nothing of the form."""
    body = urlencode(form).encode()
    try:
        async with client.request("POST", url, _HEADERS, body, _PATIENCE) as answer:
            status, read = answer.status, await answer.read(_LARGEST)
    except HttpFault as fault:
        raise CredentialsUnavailable(f"the token endpoint failed: {fault}") from fault
    try:
        told = load_object(read)
    except WireFormatError:
        told = {}
    token = text_or_empty(told.get("access_token"))
    if status != 200 or _TOKEN.fullmatch(token) is None:
        raise _refused(status, told)
    return Token(token, _lifetime(told.get("expires_in")))


def _refused(status: int, told: Mapping[str, Any]) -> CredentialsUnavailable:
    """A code may be shown to clients; a description is for the operator alone."""
    code = text_or_empty(told.get("error"))
    described = one_line(text_or_empty(told.get("error_description")), 500)
    if described:
        _log.warning("a token endpoint answered HTTP %d: %s", status, described)
    because = f" ({code})" if _CODE.fullmatch(code) else ""
    return CredentialsUnavailable(f"the token endpoint answered HTTP {status}{because} and gave no token")


def _lifetime(value: Any) -> float:
    """In seconds; Entra's older endpoints say it as a string."""
    given = number_or_none(int(value) if isinstance(value, str) and value.isdecimal() else value)
    return _USUAL_LIFE if given is None else min(max(float(given), 1.0), _LONGEST_LIFE)
