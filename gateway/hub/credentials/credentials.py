"""All credentials that one configuration has for its servers, and whose they are.

Above: the hub takes authorizers, the HTTP surface lets users connect. Below: the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Protocol

from gateway.auth import User
from gateway.config.server_auth import ClientCredentialsAuth, Holder, ServerAuth
from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.clients import PublicPlace
from gateway.hub.credentials.connecting import Connecting
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.issuers import TokenIssuer
from gateway.hub.credentials.machine import ClientCredentials
from gateway.hub.credentials.pins import IssuerPin
from gateway.hub.credentials.user_authorizers import UserAuthorizer
from gateway.hub.credentials.users import UserTokens
from gateway.hub.credentials.vault import Vault
from gateway.hub.peer import CredentialsNeeded


class ServerAtUrl(Protocol):
    """What is used of a server's specification; one without a URL has no `auth`."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str | None: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def auth(self) -> ServerAuth | None: ...

    @property
    def speaks_mcp(self) -> bool: ...


class Credentials:
    """Made once for each configuration; what must outlive it is in the vault.

    `locked` has the only issuer that will do, by server; of servers that are not in it, any will.
    """

    def __init__(
        self,
        servers: Sequence[ServerAtUrl],
        vault: Vault,
        place: PublicPlace,
        locked: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._own: dict[str, Authorizer] = {}
        self._issuers: dict[str, TokenIssuer] = {}
        users: list[UserTokens] = []
        for server in servers:
            if server.url is None or (auth := server.auth) is None:
                continue
            fetcher = Fetcher(server.url, server.headers, speaks_mcp=server.speaks_mcp)
            only = auth.issuer or locked.get(server.name)
            pin = IssuerPin(vault, server.name, auth.client_id, only) if auth.client_id is not None else None
            issuer = TokenIssuer(fetcher, server.url, auth, pin, locked.get(server.name))
            self._issuers[server.name] = issuer
            if isinstance(auth, ClientCredentialsAuth):
                self._own[server.name] = ClientCredentials(auth, server.url, fetcher, issuer)
            else:
                users.append(UserTokens(server.name, server.url, auth, vault, fetcher, issuer))
        self.connecting = Connecting(users, vault, place)

    def own(self, server: str) -> Authorizer | None:
        """The gateway's own credentials for a server; None where it has none."""
        return self._own.get(server)

    def issuer(self, server: str) -> TokenIssuer | None:
        """Who issues the tokens for a server; None where none are had."""
        return self._issuers.get(server)

    def users(self, server: str) -> UserTokens | None:
        """The users of a server that have credentials of their own; None where there is no such thing."""
        return self.connecting.servers.get(server)

    def subject(self, server: str, owner: str, user: User | None) -> str:
        """Whose credentials a call for `owner` goes with. Raises CredentialsNeeded."""
        subject = subject_of(self.connecting.servers[server].auth.per, owner, user)
        if subject is None:
            raise CredentialsNeeded("it works for users alone, and no user was proven to be behind this call")
        return subject

    def authorizer(self, server: str, owner: str, user: User | None) -> UserAuthorizer:
        """The credentials for a call. Raises CredentialsNeeded when there is nobody whose they could be."""
        subject = self.subject(server, owner, user)
        link = partial(self.connecting.link, server, subject, label_of(subject, user))
        return UserAuthorizer(self.connecting.servers[server], subject, link)


def subject_of(per: Holder, owner: str, user: User | None) -> str | None:
    """Whose credentials are used: `owner` is a key, or a user behind one (`gateway.auth.Owner`)."""
    if per == "key":
        return owner.partition("/")[0]
    return None if per == "user" and user is None else owner


def label_of(subject: str, user: User | None) -> str:
    """What people call a subject."""
    key, slash, _ = subject.partition("/")
    return f"{user.subject} (through the key {key})" if user is not None and slash else f"the key {key}"
