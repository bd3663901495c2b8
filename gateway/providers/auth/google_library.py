"""Google's own library, for credentials that only it knows: an optional dependency, imported when it is used."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from gateway.providers.auth.bearer import Token
from gateway.providers.provider import CredentialsUnavailable

_EXTRA = "pip install 'toolgate[google]'"
_USUAL_LIFE = 600.0  # seconds, of a token that does not say


def check_library(what: str) -> None:
    """See that the library is there. Raises ValueError, which says how to get it."""
    try:
        found = importlib.util.find_spec("google.auth") and importlib.util.find_spec("requests")
    except ModuleNotFoundError:
        found = None
    if not found:
        raise ValueError(f"{what} needs Google's library: {_EXTRA}")


@dataclass(frozen=True, slots=True)
class LibraryTokens:
    """See `gateway.providers.auth.bearer.TokenSource`. Without `path`, whatever the library finds."""

    path: Path | None
    scope: str

    async def fetch(self) -> Token:
        """A new token. Raises CredentialsUnavailable."""
        return await anyio.to_thread.run_sync(self._fetch, abandon_on_cancel=True)

    def _fetch(self) -> Token:
        auth: Any = importlib.import_module("google.auth")
        transport: Any = importlib.import_module("google.auth.transport.requests")
        faults: Any = importlib.import_module("google.auth.exceptions")
        try:
            if self.path is None:
                credentials, _ = auth.default(scopes=[self.scope])
            else:
                credentials, _ = auth.load_credentials_from_file(str(self.path), scopes=[self.scope])
            credentials.refresh(transport.Request())
        except faults.GoogleAuthError as error:
            raise CredentialsUnavailable(
                f"Google's library has no credentials ({type(error).__name__})"
            ) from error
        headers = {"x-goog-user-project": credentials.quota_project_id} if credentials.quota_project_id else {}
        return Token(credentials.token, _lifetime(credentials.expiry), headers)


def _lifetime(expiry: datetime | None) -> float:
    """In seconds; the library's times are UTC without saying so."""
    if expiry is None:
        return _USUAL_LIFE
    return max(1.0, (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())
