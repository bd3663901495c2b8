"""Client credentials (RFC 6749, section 4.4): Microsoft Entra for Azure OpenAI, and whoever else speaks OAuth."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.providers.auth.bearer import Token
from gateway.providers.auth.exchange import ask_for_token
from gateway.providers.http import HttpClient


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """See `gateway.providers.auth.bearer.TokenSource`. The client says who it is in the body of its request."""

    client: HttpClient
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None

    async def fetch(self) -> Token:
        """A new token. Raises CredentialsUnavailable."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return await ask_for_token(
            self.client, self.token_url, form if self.scope is None else {**form, "scope": self.scope}
        )
