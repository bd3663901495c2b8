"""What goes with a message on a user's behalf; and what with the messages that list a server's tools for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import anyio

from gateway.errors import StoreError
from gateway.hub.credentials.authorizer import Refusal
from gateway.hub.credentials.tokens import Tokens
from gateway.hub.credentials.users import UserTokens
from gateway.hub.peer import CredentialsNeeded, PeerError, Unreachable

_MOST_TRIED = 20  # users by whose credentials a list of tools is asked for

ResultT = TypeVar("ResultT")

_NOBODY = "none of its users has connected to it yet"
_NOT_THEY = "no user who has connected may list its tools"


class UserAuthorizer:
    """See `gateway.hub.credentials.authorizer.Authorizer`. `link` makes the URL at which the user can connect."""

    def __init__(self, users: UserTokens, subject: str, link: Callable[[], str]) -> None:
        self._users = users
        self._subject = subject
        self._link = link

    async def headers(self) -> Mapping[str, str]:
        """The user's own token. Raises PeerError."""
        return self._or_ask(await _stored(self._users.current(self._subject)))

    async def renew(self, refusal: Refusal) -> Mapping[str, str]:
        """The user's own token, renewed. Raises PeerError."""
        return self._or_ask(await _stored(self._users.better(self._subject, refusal)))

    def _or_ask(self, tokens: Tokens | None) -> Mapping[str, str]:
        if tokens is None:
            what = f"its user has to sign in first, at {self._link()} (good for ten minutes)"
            raise CredentialsNeeded(f"{what}; call it again after that")
        return tokens.headers


class AnyUserAuthorizer:
    """Credentials of whoever has connected: for listing, whose outcome is the same for all.

    Nothing is sent until the server asks for it, so that a server that lists for anybody sees nobody's token.
    """

    def __init__(self, users: UserTokens) -> None:
        self._users = users
        self._subject: str | None = None
        self.is_alone = anyio.Event()
        """Set, and to be replaced, when a token was wanted and nobody had one."""
        self.why = _NOBODY
        self.arrivals = 0
        """How many had connected by then."""

    async def headers(self) -> Mapping[str, str]:
        """The token of the user whose token did last time; nothing before that. Raises PeerError."""
        tokens = await self._tokens_of(self._subject) if self._subject is not None else None
        return {} if tokens is None else tokens.headers

    async def renew(self, refusal: Refusal) -> Mapping[str, str]:
        """The token of somebody else, or a renewed one. Raises PeerError."""
        if self._subject is not None and refusal.sent:
            tokens = await _stored(self._better(self._subject, refusal))
            if tokens is not None:
                return tokens.headers
        self.arrivals = self._users.arrivals
        for subject in await _stored(self._candidates()):
            tokens = None if subject == self._subject else await self._tokens_of(subject)
            if tokens is not None:
                self._subject = subject
                return tokens.headers
        self.is_alone.set()
        raise CredentialsNeeded(self.why)

    async def _candidates(self) -> list[str]:
        """Whose tokens may do, the likeliest first; what is wrong if none does is then in `why`."""
        subjects = await self._users.subjects(most=_MOST_TRIED)
        self.why = _NOT_THEY if subjects else _NOBODY
        return subjects

    async def _better(self, subject: str, refusal: Refusal) -> Tokens | None:
        """Renewed; a scope that listing lacks does not end what the user has."""
        return None if refusal.status == 403 else await self._users.better(subject, refusal)

    async def _tokens_of(self, subject: str) -> Tokens | None:
        try:
            return await _stored(self._users.current(subject))
        except PeerError:
            return None  # another user's may do


async def _stored(work: Awaitable[ResultT]) -> ResultT:
    """The outcome of what needs the database. Raises Unreachable when that fails."""
    try:
        return await work
    except StoreError as error:
        raise Unreachable("the gateway cannot read the credentials for it at the moment") from error
