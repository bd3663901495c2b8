"""What MCP clients are told of how to be let in with OAuth: `/.well-known/oauth-protected-resource` (RFC 9728).

Above: `mcp.signing_in` and `mcp.entry` tell it. Below: what the operator has configured. Every address in it is
made of the public one in the config; what a request calls this gateway has no say in it, or it could lead clients
to somebody else's issuer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_RESOURCE = re.compile(r"(?:/mcp(?:/[A-Za-z0-9_.-]{1,64})?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """The gateway as OAuth knows it: its public address, without a slash at the end; the issuers that let people
    sign in to MCP clients; and what they are asked to grant. Without issuers, clients need a key.
    """

    public_url: str = ""
    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def audiences_at(self, path: str) -> frozenset[str]:
        """Whom tokens may be for, besides the gateway as a whole, that are presented at a path."""
        return (
            frozenset({f"{self.public_url}{path}"}) if self.issuers and _RESOURCE.fullmatch(path) else frozenset()
        )

    def challenge_at(self, path: str, *, error: str = "", scopes: frozenset[str] = frozenset()) -> str:
        """What `WWW-Authenticate` says at a path (RFC 6750, section 3; RFC 9728, section 5.1)."""
        told = {"error": error, "scope": " ".join(sorted(scopes or self.scopes))}
        if self.issuers and _RESOURCE.fullmatch(path):
            told["resource_metadata"] = f"{self.public_url}{WELL_KNOWN}{path}"
        said = ", ".join(f'{name}="{value}"' for name, value in told.items() if value)
        return f"Bearer {said}" if said else "Bearer"

    def metadata(self, path: str) -> dict[str, Any] | None:
        """What a client learns of what is at a path; None where nothing is that OAuth protects."""
        if not self.issuers or _RESOURCE.fullmatch(path) is None:
            return None
        told = {
            "resource": f"{self.public_url}{path}",
            "authorization_servers": list(self.issuers),
            "bearer_methods_supported": ["header"],
            "resource_name": "toolgate",
        }
        return {**told, "scopes_supported": list(self.scopes)} if self.scopes else told
