"""Who the gateway is to an authorization server, and how it says so at its token endpoint.

Sans-I/O. The order is that of MCP's specification: registered beforehand by the operator; by the document that
this gateway publishes of itself; registered by itself (RFC 7591).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus, urlsplit

from gateway.config.addresses import is_loopback
from gateway.hub.credentials.assertions import ASSERTION_TYPE, sign_assertion
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.metadata import ServerMetadata

Method = Literal["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]

_NAME = "toolgate"
_GRANTS = ("authorization_code", "refresh_token")


@dataclass(frozen=True, slots=True)
class Client:
    """A client at one authorization server, and how it authenticates there."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    method: Method | None = None

    def method_at(self, server: ServerMetadata) -> Method:
        """How it says who it is: as it was told at its registration, or as the server prefers."""
        if self.method is not None:
            return self.method
        if self.private_key is not None:
            return "private_key_jwt"
        if self.secret is None:
            return "none"
        takes_basic = not server.methods or "client_secret_basic" in server.methods
        return "client_secret_basic" if takes_basic else "client_secret_post"

    def sign(
        self, form: Mapping[str, str], server: ServerMetadata, *, now: float
    ) -> tuple[dict[str, str], dict[str, str]]:
        """A request at the token endpoint, as form and headers, in which the client says who it is."""
        method = self.method_at(server)
        if method == "client_secret_basic":  # RFC 6749, section 2.3.1
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret or '')}"
            return dict(form), {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        said = {"client_id": self.client_id}
        if method == "client_secret_post":
            said["client_secret"] = self.secret or ""
        elif method == "private_key_jwt":
            assertion = sign_assertion(self.private_key or "", self.client_id, server.issuer, now=now)
            said |= {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return {**form, **said}, {}


@dataclass(frozen=True, slots=True)
class PublicPlace:
    """Where browsers and authorization servers reach this gateway."""

    url: str

    @property
    def redirect_uri(self) -> str:
        """Where users come back to."""
        return f"{self.url}/oauth/callback"

    @property
    def document_url(self) -> str | None:
        """Where the gateway's document of itself is; None where no authorization server could read it."""
        return f"{self.url}/oauth/client.json" if self.url.startswith("https://") else None

    def document(self) -> dict[str, Any]:
        """What the gateway says of itself (Client ID Metadata Document)."""
        return {"client_id": self.document_url, **self._metadata("none")}

    def registration(self, server: ServerMetadata) -> dict[str, Any]:
        """What it asks to be registered as, in the way that needs the fewest secrets (RFC 7591, section 2)."""
        wanted: tuple[Method, ...] = ("none", "client_secret_basic", "client_secret_post")
        offered: list[Method] = [method for method in wanted if method in server.methods]
        host = urlsplit(self.url).hostname or ""
        kind = "native" if is_loopback(host) else "web"
        return {**self._metadata(offered[0] if offered else "client_secret_basic"), "application_type": kind}

    def _metadata(self, method: Method) -> dict[str, Any]:
        return {
            "client_name": _NAME,
            "client_uri": self.url,
            "redirect_uris": [self.redirect_uri],
            "grant_types": list(_GRANTS),
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
        }


def read_registration(document: Mapping[str, Any], asked: Mapping[str, Any]) -> Client:
    """The client that was registered (RFC 7591, section 3.2.1). Raises OAuthFault."""
    client_id, secret = document.get("client_id"), document.get("client_secret")
    method = document.get("token_endpoint_auth_method", asked["token_endpoint_auth_method"])
    if (
        not isinstance(client_id, str)
        or not client_id
        or method not in ("none", "client_secret_basic", "client_secret_post")
    ):
        raise OAuthFault("its authorization server registered the gateway in a way that it cannot use")
    return Client(client_id, secret if isinstance(secret, str) and secret else None, method=method)
