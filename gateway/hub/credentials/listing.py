"""Credentials to look at servers with while nobody is served: the gateway's own, and those of one named user.

Above: `toolgate lock`. Below: what the gateway has kept of its users' sign-ins; nobody can sign in here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.hub.credentials.authorizer import Authorizer
from gateway.hub.credentials.clients import PublicPlace
from gateway.hub.credentials.credentials import Credentials, ServerAtUrl
from gateway.hub.credentials.user_authorizers import AnyUserAuthorizer
from gateway.hub.credentials.users import UserTokens
from gateway.hub.credentials.vault import Vault

_MOST_KNOWN = 1000  # users among whom one is looked for, those who connected last
_MOST_NAMED = 5  # in an error
_UNNAMED = "it lists its tools for users alone: name one who has connected to it, with --as-user USER"
_SIGN_IN = "call one of its tools through a running gateway as that user, and follow the link in the answer"


class ListingCredentials(Credentials):
    """See `Credentials`. `as_user` is a user's name, or a key's where tokens are a key's; None names nobody."""

    def __init__(
        self, servers: Sequence[ServerAtUrl], vault: Vault, place: PublicPlace, as_user: str | None
    ) -> None:
        super().__init__(servers, vault, place)
        self._named: Mapping[str, Authorizer] = {
            name: NamedUserAuthorizer(users, as_user) for name, users in self.connecting.servers.items()
        }

    def own(self, server: str) -> Authorizer | None:
        """What its lists are asked for with."""
        return self._named.get(server) or super().own(server)

    def users(self, server: str) -> UserTokens | None:
        """Nobody calls."""
        return None


class NamedUserAuthorizer(AnyUserAuthorizer):
    """See `AnyUserAuthorizer`: of all who have connected, only who is called `name` will do."""

    def __init__(self, users: UserTokens, name: str | None) -> None:
        super().__init__(users)
        self._name = name

    async def _candidates(self) -> list[str]:
        if self._name is None:
            self.why = _UNNAMED
            return []
        labels = await self._users.labels(most=_MOST_KNOWN)
        found = [subject for subject, label in labels.items() if self._name in _names(subject, label)]
        self.why = self._not_listed() if found else self._not_connected(list(labels.values()))
        return found

    def _not_listed(self) -> str:
        return f"the sign-in of {self._name!r} does not list its tools, or is not good any more: {_SIGN_IN}"

    def _not_connected(self, labels: Sequence[str]) -> str:
        others = f" (connected: {', '.join(labels[:_MOST_NAMED])})" if labels else ""
        return f"{self._name!r} has not connected to it{others}: {_SIGN_IN}"


def _names(subject: str, label: str) -> tuple[str, ...]:
    """What people may call a subject: see `gateway.hub.credentials.credentials.label_of`."""
    key, slash, _ = subject.partition("/")
    return label, label.removesuffix(f" (through the key {key})") if slash else key
