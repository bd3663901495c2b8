"""Amazon's credentials, and requests signed with them.

Keys that are written down (in the config, or in the standard environment variables) are used as they are.
Everything else (profiles, single sign-on, web identity, roles of containers and machines) is left to Amazon's
library, which is an optional dependency and imported only for that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

from gateway.providers.auth.aws_library import LibraryKeys, check_library
from gateway.providers.auth.aws_signing import AwsKeys, Scope, sign

_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z]+)+-\d{1,2}", re.ASCII)
_SERVICES = ("bedrock-mantle", "bedrock")


class KeySource(Protocol):
    """Where keys come from."""

    async def keys(self) -> AwsKeys:
        """Keys that are good for now. Raises CredentialsUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that somebody wrote down."""

    given: AwsKeys

    async def keys(self) -> AwsKeys:
        """These."""
        return self.given


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SigningAuthorizer:
    """See `gateway.providers.Authorizer`."""

    source: KeySource
    scope: Scope
    clock: Callable[[], datetime] = _now

    async def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        """The signature, with what goes along. Raises CredentialsUnavailable."""
        keys = await self.source.keys()
        return sign(method, url, headers, body, keys=keys, scope=self.scope, at=self.clock())


def aws_keys(given: AwsKeys | None, profile: str | None, *, environ: Mapping[str, str] = os.environ) -> KeySource:
    """The keys that are given; else those of the environment; else whatever Amazon's library finds.

    A `profile` is the library's to find. Raises ValueError where the library is needed and not there.
    """
    if given is not None:
        return FixedKeys(given)
    identity, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if profile is None and identity and secret:
        return FixedKeys(AwsKeys(identity, secret, environ.get("AWS_SESSION_TOKEN") or None))
    check_library("a profile" if profile else "credentials that are not in AWS_ACCESS_KEY_ID")
    return LibraryKeys(profile)


def aws_scope(
    base_url: str | None, region: str | None, service: str | None, *, environ: Mapping[str, str] = os.environ
) -> Scope:
    """Where signatures must hold, as far as it is not given: as the host says, or else the environment.

    Raises ValueError where nothing tells the region.
    """
    labels = ((urlsplit(base_url).hostname if base_url else None) or "").split(".")
    found = region or next((label for label in labels if _REGION.fullmatch(label)), None)
    found = found or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not found:
        raise ValueError("set auth.aws.region: neither base_url nor AWS_REGION tells it")
    told = next((name for name in _SERVICES if any(label.startswith(name) for label in labels)), "bedrock")
    return Scope(found, service or told)
