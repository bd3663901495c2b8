"""What a server says of the credentials that it wants: `WWW-Authenticate` (RFC 9110, section 11.6.1; RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LONGEST = 8192  # characters of all challenges together
_ITEM = re.compile(
    r"""([!#$%&'*+.^_`|~0-9A-Za-z-]+)               # a parameter's name, or a scheme
        (?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?""",
    re.VERBOSE | re.ASCII,
)
_ESCAPED = re.compile(r"\\(.)")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}", re.ASCII)  # RFC 6749, section 3.3
_MOST_SCOPES = 64


@dataclass(frozen=True, slots=True)
class Challenge:
    """The Bearer challenge, as far as it was given: where the metadata is, the scopes wanted, the error's code."""

    metadata_url: str | None = None
    scopes: tuple[str, ...] = ()
    error: str | None = None


def read_challenges(headers: Iterable[str]) -> Challenge:
    """The first Bearer challenge of all `WWW-Authenticate` headers; empty when there is none."""
    is_bearer, found = False, dict[str, str]()
    for name, value in _items(", ".join(headers)[:_LONGEST]):
        if value is None:
            if is_bearer:
                break
            is_bearer = name.lower() == "bearer"
        elif is_bearer:
            found.setdefault(name.lower(), value)
    return Challenge(found.get("resource_metadata"), read_scopes(found.get("scope")), found.get("error"))


def read_scopes(text: str | None) -> tuple[str, ...]:
    """The scopes in a text, in order, none twice (RFC 6749, section 3.3); what can be none is left out."""
    words = (text or "").split(" ", 4 * _MOST_SCOPES)
    return tuple(dict.fromkeys(word for word in words if _SCOPE.fullmatch(word)))[:_MOST_SCOPES]


def _items(text: str) -> Iterator[tuple[str, str | None]]:
    """Parameters with their values, and schemes, whose value is None."""
    for match in _ITEM.finditer(text):
        name, quoted, plain = match.groups()
        yield name, _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
