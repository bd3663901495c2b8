"""Who may see what concerns the whole gateway: the states of all servers, and the metrics."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import ip_address

from gateway.api.requests import Request
from gateway.auth import bearer_token
from gateway.errors import AuthenticationFailed

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def require_operator(request: Request, token_digest: bytes | None) -> None:
    """Pass a client that runs on this machine or presents the operator token. Raises AuthenticationFailed.

    A request that came through a proxy says nothing about where its client is, so it needs the token.
    """
    if _is_local(request):
        return
    presented = hashlib.sha256(bearer_token(request.headers).encode("utf-8", "surrogatepass")).digest()
    if token_digest is None or not hmac.compare_digest(presented, token_digest):
        raise AuthenticationFailed("this is for operators: send `Authorization: Bearer <operator_token>`")


def _is_local(request: Request) -> bool:
    client: tuple[str, int] | None = request.scope.get("client")
    if client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False
