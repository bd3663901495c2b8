"""Who issues the tokens for a server, found out without having any.

Above: `toolgate doctor`. Below: discovery. What the operator sends to the server itself goes there, and nothing
else anywhere.
"""

from __future__ import annotations

from gateway.config.server_auth import ClientCredentialsAuth
from gateway.hub.credentials.credentials import ServerAtUrl
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.issuers import TokenIssuer


async def look_at_issuer(server: ServerAtUrl, locked: str | None) -> str | None:
    """Who it is; None where no tokens are wanted, or no URL is given. `locked` is the only one that will do.

    Raises OAuthFault where the server or the issuer does not answer, or the issuer is another one than it must be.
    """
    if server.auth is None or server.url is None:
        return None
    fetcher = Fetcher(server.url, server.headers, speaks_mcp=server.speaks_mcp)
    issuer = TokenIssuer(fetcher, server.url, server.auth, None, locked)
    challenge = await fetcher.challenge()
    if isinstance(server.auth, ClientCredentialsAuth) and server.auth.token_url is not None:
        issuer.named(server.auth.token_url)
    else:
        await issuer.authority(challenge)
    return issuer.found
