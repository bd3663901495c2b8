"""Google's credentials, found as its own programs find them (application default credentials).

A service account's key, and what `gcloud auth application-default login` leaves, are exchanged for tokens here.
Everything else (a machine's own account, workload identity, impersonation) is left to Google's library, which is
an optional dependency and imported only for that.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.addresses import travels_in_clear, url_fault
from gateway.dialects.json_values import object_or_none, text_or_empty
from gateway.providers.auth.bearer import Token, TokenSource
from gateway.providers.auth.exchange import ask_for_token
from gateway.providers.auth.google_library import LibraryTokens, check_library
from gateway.providers.http import HttpClient
from gateway.providers.provider import CredentialsUnavailable

GOOGLE_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What a token is for unless something else is asked for: all of Google Cloud that the account may use."""

_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3600  # seconds of an assertion, the most that Google takes
_LARGEST_FILE = 256 * 1024  # bytes
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "service_account": ("client_email", "private_key"),
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
}
"""By the types that are exchanged here, the fields that such a file must have."""


def google_tokens(
    client: HttpClient,
    credentials_file: Path | None = None,
    *,
    scope: str = GOOGLE_SCOPE,
    environ: Mapping[str, str] = os.environ,
) -> TokenSource:
    """The tokens of the account in a file; without one, of that which the machine is set up for.

    Blocking, but short: it reads the file once, to find out what it is. Raises ValueError for one that cannot be
    used.
    """
    path = credentials_file or _usual_file(environ)
    if path is not None and _read(path)["type"] in _NEEDED:
        return FileTokens(client, path, scope)
    check_library("this kind of credentials" if path else "a machine's own account")
    return LibraryTokens(path, scope)


def _usual_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return Path(named)
    folder = environ.get("CLOUDSDK_CONFIG") or str(Path(environ.get("HOME", "/")) / ".config" / "gcloud")
    path = Path(folder) / "application_default_credentials.json"
    return path if path.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    """The object in a file of credentials, which has a `type`. Raises ValueError, which quotes none of it."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE)
    except OSError as error:
        raise ValueError(f"the credentials file {path} cannot be read: {error.strerror}") from error
    try:
        found = object_or_none(orjson.loads(data)) or {}
    except orjson.JSONDecodeError:
        found = {}
    kind = text_or_empty(found.get("type"))
    if not kind:
        raise ValueError(f"{path} is no file of Google's credentials: it has no type")
    for name in _NEEDED.get(kind, ()):
        if not text_or_empty(found.get(name)):
            raise ValueError(f"{path} is no whole file of the type {kind}: it has no {name}")
    address = text_or_empty(found.get("token_uri"))
    if kind in _NEEDED and address and (url_fault(address) or travels_in_clear(address)):
        raise ValueError(f"{path} has a token_uri that is no https URL")
    return found


@dataclass(frozen=True, slots=True)
class FileTokens:
    """See `gateway.providers.auth.bearer.TokenSource`. The file is read each time: it may have been replaced."""

    client: HttpClient
    path: Path
    scope: str

    async def fetch(self) -> Token:
        """A new token. Raises CredentialsUnavailable."""
        try:
            address, form, quota_project = await anyio.to_thread.run_sync(self._asked)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # the last two: of the key in it
            raise CredentialsUnavailable("Google's credentials cannot be read") from error
        token = await ask_for_token(self.client, address, form)
        headers = {"x-goog-user-project": quota_project} if quota_project else {}
        return Token(token.value, token.lifetime, headers)

    def _asked(self) -> tuple[str, dict[str, str], str]:
        """Where to ask, and with what; and which project is to be charged. Blocking; raises ValueError."""
        account = _read(self.path)
        address = text_or_empty(account.get("token_uri")) or _TOKEN_URI
        if account["type"] == "service_account":
            assertion = _assertion(account, address, self.scope)
            return address, {"grant_type": _JWT_BEARER, "assertion": assertion}, ""
        form = {name: account[name] for name in _NEEDED["authorized_user"]}
        quota_project = text_or_empty(account.get("quota_project_id"))
        return address, {"grant_type": "refresh_token", **form}, quota_project


def _assertion(account: Mapping[str, Any], audience: str, scope: str) -> str:
    """A service account's word for itself (RFC 7523, section 3), signed with its key (RFC 7515, RS256)."""
    key = load_pem_private_key(account["private_key"].encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is not an RSA key")
    now = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": text_or_empty(account.get("private_key_id"))}
    claims = {
        "iss": account["client_email"],
        "scope": scope,
        "aud": audience,
        "iat": now,
        "exp": now + _LIFE,
    }
    signed = f"{_segment(orjson.dumps(head))}.{_segment(orjson.dumps(claims))}"
    return f"{signed}.{_segment(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
