"""Amazon's own library, for credentials that only it finds: an optional dependency, imported when it is used.

It renews ahead of time what expires, when it is asked; so it is asked now and then, in a thread, and not for each
request.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import anyio

from gateway.providers.auth.aws_signing import AwsKeys
from gateway.providers.provider import CredentialsUnavailable

_EXTRA = "pip install 'toolgate[aws]'"
_FRESH = 60.0  # seconds; the library renews keys ten minutes before they end, at the latest
_PAUSE = 5.0  # seconds after a failure, for which nobody asks again
_DEADLINE = 30.0  # seconds


def check_library(what: str) -> None:
    """See that the library is there. Raises ValueError, which says how to get it."""
    if importlib.util.find_spec("botocore") is None:
        raise ValueError(f"{what} needs Amazon's library: {_EXTRA}")


class LibraryKeys:
    """See `gateway.providers.auth.aws.KeySource`. Without a profile, whatever the library finds."""

    def __init__(self, profile: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._profile = profile
        self._clock = clock
        self._lock = anyio.Lock()
        self._credentials: Any = None
        self._keys: AwsKeys | None = None
        self._failure = ""
        self._ask_at = 0.0

    async def keys(self) -> AwsKeys:
        """Keys that are good for now. Raises CredentialsUnavailable."""
        async with self._lock:
            if self._clock() >= self._ask_at:
                await self._ask()
            if self._keys is None:
                raise CredentialsUnavailable(self._failure)
            return self._keys

    async def _ask(self) -> None:
        self._keys = None
        self._ask_at = self._clock() + _PAUSE
        try:
            with anyio.fail_after(_DEADLINE):
                self._keys = await anyio.to_thread.run_sync(self._found, abandon_on_cancel=True)
        except TimeoutError:
            self._failure = f"Amazon's library gave no credentials within {_DEADLINE:g} s"
        except Exception as error:  # noqa: BLE001 - a library with many ways to fail, whose texts may hold secrets
            self._failure = f"Amazon's library has no credentials ({type(error).__name__})"
        else:
            self._ask_at = self._clock() + _FRESH

    def _found(self) -> AwsKeys:
        """Blocking: it reads files, asks servers, runs programs. Raises whatever the library raises."""
        if self._credentials is None:
            session: Any = importlib.import_module("botocore.session")
            self._credentials = session.Session(profile=self._profile).get_credentials()
        if self._credentials is None:
            raise LookupError
        frozen = self._credentials.get_frozen_credentials()
        return AwsKeys(frozen.access_key, frozen.secret_key, frozen.token)
