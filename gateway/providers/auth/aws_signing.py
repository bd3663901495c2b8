"""Amazon's signature on a request, version 4.

What is sent is hashed under a key that is good for one day, one region and one service.

Signed are the method, the path and the query, the body, the host, the time, and the headers that say what the body
is; other headers may be changed on the way by whoever forwards the request.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from urllib.parse import SplitResult, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_SIGNED = frozenset({"content-type", "x-amz-target"})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Credentials. `token` comes with those that are good for a while only."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature holds."""

    region: str
    service: str


def sign(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, keys: AwsKeys, scope: Scope, at: datetime
) -> dict[str, str]:
    """The headers to send besides `headers`, names in lower case. `url` is as it is sent, `at` is in UTC."""
    parts = urlsplit(url)
    moment = at.strftime("%Y%m%dT%H%M%SZ")
    own = {"x-amz-date": moment} | ({"x-amz-security-token": keys.token} if keys.token else {})
    signed = {name: value for name, value in headers.items() if name in _SIGNED} | own | {"host": _host(parts)}
    names = ";".join(sorted(signed))
    lines = [f"{name}:{' '.join(signed[name].split())}" for name in sorted(signed)]
    canonical = (method, _path(parts.path), _query(parts.query), *lines, "", names, sha256(body).hexdigest())
    place = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    digest = sha256("\n".join(canonical).encode()).hexdigest()
    signature = _mac(_key(keys, moment[:8], scope), f"{_ALGORITHM}\n{moment}\n{place}\n{digest}").hex()
    told = f"Credential={keys.access_key_id}/{place}, SignedHeaders={names}, Signature={signature}"
    return {**own, "authorization": f"{_ALGORITHM} {told}"}


def _key(keys: AwsKeys, day: str, scope: Scope) -> bytes:
    key = f"AWS4{keys.secret_access_key}".encode()
    for step in (day, scope.region, scope.service, "aws4_request"):
        key = _mac(key, step)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _host(parts: SplitResult) -> str:
    """As HTTP clients send it: without the port that everybody expects."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


def _path(path: str) -> str:
    """Encoded once more than it is sent, without steps that lead nowhere."""
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    end = "/" if steps and path.endswith("/") else ""
    return quote(f"/{'/'.join(steps)}{end}", safe="/-_.~")


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = sorted((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")))
    return "&".join(f"{name}={value}" for name, value in pairs)
