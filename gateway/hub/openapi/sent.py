"""What the operator sends with requests to an API: credentials at their places, and never to be seen again.

Above: `peer`. Below: `security` says which go where. Refuses to know: tokens, which are had anew.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.config.server_config import Password, SchemeCredential
from gateway.hub.openapi.answers import Secrets, secrets_in
from gateway.hub.openapi.security import Placed, Security

_UNFIT_FOR_COOKIES = re.compile(r'[",;\\]')  # RFC 6265, section 4.1.1; blanks and the like are not in credentials


@dataclass(frozen=True, slots=True)
class Sent:
    """Header names are in lower case; `query` and `cookies` are encoded `name=value` pairs."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    query: tuple[str, ...] = field(default=(), repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)


NOTHING_SENT = Sent()


def sent_with(security: Security, credentials: Mapping[str, SchemeCredential]) -> Sent:
    """The credentials that go with an operation."""
    headers: dict[str, str] = {}
    query: list[str] = []
    cookies: list[str] = []
    for placed in security.placed:
        value = _value(placed, credentials[placed.scheme])
        if placed.place == "header":
            headers[placed.name.lower()] = value
        elif placed.place == "query":
            query.append(f"{quote(placed.name, safe='')}={quote(value, safe='')}")
        else:
            cookies.append(f"{placed.name}={_for_cookie(value)}")
    return Sent(headers, tuple(query), tuple(cookies))


def _value(placed: Placed, credential: SchemeCredential) -> str:
    if isinstance(credential, Password):
        return f"Basic {_basic(credential)}"
    text = credential or ""
    return f"Bearer {text}" if placed.form == "bearer" else text


def _basic(credential: Password) -> str:
    return base64.b64encode(f"{credential.username}:{credential.password}".encode()).decode()


def _for_cookie(value: str) -> str:
    return _UNFIT_FOR_COOKIES.sub(lambda match: quote(match[0]), value)


def secrets_of(
    headers: Mapping[str, str], parameters: Iterable[tuple[str, str]], credentials: Mapping[str, SchemeCredential]
) -> Secrets:
    """All that the operator sends and that must not be seen again, in the forms in which an API may repeat it."""
    known: list[tuple[str, str]] = []
    for credential in credentials.values():
        if isinstance(credential, Password):
            known += [("password", credential.password), ("password", _basic(credential))]
        elif credential is not None:
            known += [
                ("secret", form) for form in {credential, quote(credential, safe=""), _for_cookie(credential)}
            ]
    given = [(name, form) for name, value in parameters for form in {value, quote(value, safe="")}]
    return secrets_in([*headers.items(), *given, *known])


def cookie_names(headers: Mapping[str, str]) -> frozenset[str]:
    """The names of the cookies in the operator's headers."""
    cookies = next((value for name, value in headers.items() if name.lower() == "cookie"), "")
    return frozenset(pair.partition("=")[0].strip() for pair in cookies.split(";") if "=" in pair)
