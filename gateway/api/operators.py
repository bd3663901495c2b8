"""Who may see what concerns the whole gateway: the states of all servers, and the metrics."""

from __future__ import annotations

import hashlib
import hmac

from gateway.api.hosts import is_loopback_name
from gateway.api.requests import Request
from gateway.auth import bearer_token
from gateway.config import is_loopback
from gateway.errors import AuthenticationFailed

_FORWARDED = ("forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip")


def require_operator(request: Request, token_digest: bytes | None) -> None:
    """Pass a client that runs on this machine or presents the operator token. Raises AuthenticationFailed.

    A request that came through a proxy says nothing about where its client is, so it needs the token; and so does
    one for a host by another name than this machine's own, which a page in somebody's browser may have sent (DNS
    rebinding).
    """
    if not is_local(request) and not presents_operator_token(request, token_digest):
        raise AuthenticationFailed("this is for operators: send `Authorization: Bearer <operator_token>`")


def presents_operator_token(request: Request, token_digest: bytes | None) -> bool:
    """Whether the request carries the operator token."""
    presented = hashlib.sha256(bearer_token(request.headers).encode("utf-8", "surrogatepass")).digest()
    return token_digest is not None and hmac.compare_digest(presented, token_digest)


def is_local(request: Request) -> bool:
    """Whether the client runs on this machine, as far as can be told."""
    client: tuple[str, int] | None = request.scope.get("client")
    if client is None or any(name in _FORWARDED or name.startswith("x-forwarded") for name in request.headers):
        return False
    return is_loopback(client[0]) and is_loopback_name(request.headers.get("host", "localhost"))
