"""`mcpServers.X.auth` as values: what an operator says of the credentials for a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Holder = Literal["caller", "user", "key"]
"""Whose credentials a call goes with: its user's where one is known, else its key's; a user's, or none at all; its
key's, whoever is behind it."""


@dataclass(frozen=True, slots=True)
class ClientCredentialsAuth:
    """The gateway's own credentials (RFC 6749, section 4.4): a secret, or a key in PEM that signs (RFC 7523).

    Without `token_url` it is discovered. `issuer` is the only authorization server that may get them.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    token_url: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class UserAuth:
    """The credentials of each user, who signs in at the server's authorization server (OAuth 2.1, section 4.1).

    With a `client_id`, the gateway was registered there beforehand.
    """

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    issuer: str | None = None
    per: Holder = "caller"


ServerAuth = ClientCredentialsAuth | UserAuth
