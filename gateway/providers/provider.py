"""Who hosts a model: an address, credentials, and patience.

Above: config makes providers, routing picks one, `caller` talks to it. Refuses to know: models, wire formats.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from gateway.dialects.openai_chat.quirks import Quirk
from gateway.providers.http import DIRECT, Network, Timeouts
from gateway.providers.litellm_bridge import Bridge
from gateway.providers.table import KNOWN_PROVIDERS, KnownProvider

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_NOT_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade"})


class UnknownProvider(ValueError):
    """The name is not in the table, and no base URL says where it is."""


class Authorizer(Protocol):
    """Credentials that are made anew for a request, or fetched and renewed now and then."""

    async def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """What to send besides `headers`, names in lower case. Raises CredentialsUnavailable."""
        ...


class CredentialsUnavailable(Exception):
    """No credentials could be had for a provider. The text may be shown to clients: it holds no secret."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A host of models. `headers` are sent with every request, credentials included; names are lower-case.

    `dialects` are the wire formats that it speaks below the one `base_url`, the preferred one first. `authorizer`
    gives those credentials that cannot stand in `headers`. `others` are the same host with other credentials, for
    when those of this one are used up. `quirks` are how its Chat differs from OpenAI's.
    """

    name: str
    dialects: tuple[str, ...]
    base_url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    authorizer: Authorizer | None = field(default=None, repr=False)
    network: Network | Bridge = DIRECT
    quirks: tuple[Quirk, ...] = ()
    others: tuple[Provider, ...] = field(default=(), repr=False)

    @property
    def key_count(self) -> int:
        """How many credentials there are."""
        return 1 + len(self.others)

    def with_key(self, number: int) -> Provider:
        """The same host with one of its credentials, counted from 0."""
        return self.others[number - 1] if number else self

    def dialect_for(self, spoken: str) -> str:
        """The dialect to call it in for a request that came in `spoken`: the same one, if it knows it."""
        return spoken if spoken in self.dialects else self.dialects[0]

    def url(self, path: str) -> str:
        """The URL of an endpoint; `path` begins with a slash. A query of the base URL stays at the end."""
        base, mark, query = self.base_url.partition("?")
        return base.rstrip("/") + path + ("&" if mark and "?" in path else mark) + query


def make_provider(
    name: str,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    dialects: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    timeouts: Timeouts | None = None,
    kind: str | None = None,
    authorizer: Authorizer | None = None,
    network: Network | Bridge = DIRECT,
) -> Provider:
    """A provider from what an operator wrote; what is missing comes from the table's row `kind`, else `name`.
    An `authorizer` stands in the place of a key.

    Raises UnknownProvider, and ValueError for a base URL or header that cannot be used, or a missing key.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(
            "a provider's name has 1 to 64 of the characters A-Z a-z 0-9 . _ -, with no sign in front"
        )
    row = KNOWN_PROVIDERS.get(kind or name)
    if row is None and (kind is not None or base_url is None):
        raise UnknownProvider(_unknown(kind or name))
    url = base_url or (row.base_url if row else None)
    if url is None:
        raise ValueError(f"set base_url; for {name} it looks like {row.base_url_form if row else ''}")
    own = {header.lower(): value for header, value in (headers or {}).items()}
    own = _auth(row, api_key, own) | own
    has_credentials = authorizer is not None or (row is not None and row.auth_header in own)
    if row is not None and base_url is None and row.key_required and not has_credentials:
        hint = f"; people keep it in the environment as {row.env}" if row.env else ""
        raise ValueError(f"set api_key: {row.title} answers nobody without one{hint}")
    return Provider(
        name=name,
        dialects=tuple(dialects) or (row.dialects if row else ("openai_chat",)),
        base_url=_checked_url(url),
        headers=_checked_headers(own),
        timeouts=timeouts or Timeouts(),
        authorizer=authorizer,
        network=network,
        quirks=checked_quirks(row.quirks if row else ()),
    )


def checked_quirks(names: Sequence[str]) -> tuple[Quirk, ...]:
    """The quirks of these names. Raises ValueError for one that is none."""
    known = {quirk.value: quirk for quirk in Quirk}
    for name in names:
        if name not in known:
            raise ValueError(f"no quirk is called {name[:64]!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in names)


def _auth(row: KnownProvider | None, api_key: str | None, own: Mapping[str, str]) -> dict[str, str]:
    if api_key is None:
        return {}
    if not api_key.strip():
        raise ValueError("api_key is empty")
    header = row.auth_header if row else "authorization"
    if header in own:
        raise ValueError(f"api_key and the header {header} both give credentials; keep one of them")
    key = api_key.strip()
    return {header: f"Bearer {key}" if header == "authorization" else key}


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), KNOWN_PROVIDERS, n=3, cutoff=0.6)
    advice = f"did you mean {' or '.join(near)}? If not, set base_url" if near else "set base_url"
    return f"the provider {name!r} is not in toolgate's table; {advice}"


def _checked_url(url: str) -> str:
    """The message never holds the URL: it might hold a password."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http or https URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url must not hold credentials; use api_key or headers")
    if parts.fragment or not url.isascii() or any(character <= " " for character in url):
        raise ValueError("base_url must not hold a fragment, spaces, or characters beyond ASCII")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("base_url has a port that is not a number up to 65535") from None
    return url


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The messages name headers and never their values."""
    for name, value in headers.items():
        if _TOKEN.fullmatch(name) is None:
            raise ValueError("a header has a name that HTTP does not allow")
        if name in _NOT_OURS:
            raise ValueError(f"the header {name} is set by the gateway alone")
        if not value.isascii() or any(character < " " or character == "\x7f" for character in value):
            raise ValueError(f"the header {name} has a value that HTTP does not allow")
    return dict(headers)
