"""One sign-in as values: where a user is sent, and whether what comes back is the answer to that.

Sans-I/O (OAuth 2.1, section 4.1; PKCE, RFC 7636; the issuer in the answer, RFC 9207).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.metadata import ServerMetadata
from gateway.hub.credentials.records import Flow

_OFFLINE = "offline_access"
_REPLAYED = "this sign-in was not begun here, is over, or took too long; begin again"


def new_secret() -> str:
    """Something that nobody can guess: 43 characters that are safe anywhere, as PKCE wants them."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What can be kept of a secret to recognise it; of a verifier, its S256 challenge (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


def check_server(server: ServerMetadata) -> None:
    """See that users can sign in at it safely. Raises OAuthFault."""
    if server.authorization_endpoint is None:
        raise OAuthFault("nobody can sign in at its authorization server")
    if not server.has_pkce:
        raise OAuthFault(
            "its authorization server does not support PKCE with S256, so nobody should sign in there"
        )


def scopes_to_ask(server: ServerMetadata, *groups: tuple[str, ...]) -> tuple[str, ...]:
    """The union of scopes; with that for refresh tokens, where the server says that it knows it."""
    union = dict.fromkeys(scope for group in groups for scope in group)
    if _OFFLINE in server.scopes:
        union[_OFFLINE] = None
    return tuple(union)


def authorization_url(flow: Flow) -> str:
    """Where the user is sent."""
    endpoint = flow.server.authorization_endpoint or ""
    query = {
        "response_type": "code",
        "client_id": flow.client.client_id,
        "redirect_uri": flow.redirect_uri,
        "state": flow.state,
        "code_challenge": digest(flow.verifier),
        "code_challenge_method": "S256",
        "resource": flow.resource,
    }
    if flow.asked:
        query["scope"] = " ".join(flow.asked)
    if _OFFLINE in flow.asked:
        query["prompt"] = "consent"
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"


def code_in(flow: Flow | None, answer: Mapping[str, str], browser: str) -> str:
    """The code in what the user came back with. Raises OAuthFault.

    Nothing of an answer is believed, not even its error, before it is known whose it is.
    """
    if flow is None or not _same(flow.state, answer.get("state", "")) or not _same(flow.browser, digest(browser)):
        raise OAuthFault(_REPLAYED)
    issuer = answer.get("iss")
    if issuer != flow.server.issuer and (issuer is not None or flow.server.says_who_it_is):
        raise OAuthFault("the answer is not from the authorization server that was asked")
    if "error" in answer:
        raise OAuthFault("the authorization server did not agree to this sign-in")
    code = answer.get("code")
    if not code:
        raise OAuthFault("the authorization server's answer holds no code")
    return code


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))
