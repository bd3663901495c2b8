"""Finds out who issues tokens for a server, and where: from challenge to authorization server's endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.hub.credentials.addresses import origin_of
from gateway.hub.credentials.challenges import Challenge
from gateway.hub.credentials.faults import OAuthFault
from gateway.hub.credentials.fetching import Fetcher
from gateway.hub.credentials.metadata import (
    ResourceMetadata,
    ServerMetadata,
    read_resource_metadata,
    read_server_metadata,
    resource_metadata_urls,
    server_metadata_urls,
)


@dataclass(frozen=True, slots=True)
class Authority:
    """Who issues tokens for a server: the server's metadata, and those of its authorization server."""

    resource: ResourceMetadata
    server: ServerMetadata


async def find_resource(
    fetcher: Fetcher, server_url: str, challenge: Challenge, *, issuer: str | None = None
) -> ResourceMetadata:
    """The metadata of a server. One that has none has the issuer that the operator names, as most APIs do; or it
    is older, and its origin is its issuer (MCP 2025-03-26). Raises OAuthFault.
    """
    document = await _first_found(fetcher, resource_metadata_urls(server_url, challenge))
    if document is not None:
        return read_resource_metadata(document, server_url=server_url)
    if challenge.metadata_url:
        raise OAuthFault("its metadata is not where the server says")
    return ResourceMetadata(server_url, (issuer or origin_of(server_url),))


async def find_server(fetcher: Fetcher, issuer: str) -> ServerMetadata:
    """The metadata of an authorization server. Raises OAuthFault."""
    document = await _first_found(fetcher, server_metadata_urls(issuer))
    if document is None:
        raise OAuthFault("its authorization server has no metadata")
    return read_server_metadata(document, issuer=issuer)


async def _first_found(fetcher: Fetcher, urls: list[str]) -> Mapping[str, Any] | None:
    for url in urls:
        answer = await fetcher.get(url)
        if answer.status == 200 and answer.document:
            return answer.document
        if answer.status >= 500:
            raise OAuthFault(f"its metadata cannot be had: HTTP {answer.status}", is_passing=True)
    return None
