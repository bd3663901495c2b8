"""What servers say of themselves: protected resources (RFC 9728) and authorization servers (RFC 8414, OIDC).

Sans-I/O: where documents lie, and what in them can be used. Nothing of a document is used unless it is about whom
it was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from gateway.config.addresses import split_url
from gateway.hub.credentials.addresses import endpoint_fault, origin_of
from gateway.hub.credentials.challenges import Challenge, read_scopes
from gateway.hub.credentials.faults import OAuthFault

_MOST = 64  # of anything that is listed
_RESOURCE = "/.well-known/oauth-protected-resource"
_SERVER = "/.well-known/oauth-authorization-server"
_OPENID = "/.well-known/openid-configuration"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResourceMetadata:
    """A protected resource: its identifier, the issuers of tokens for it, and the scopes it says it knows."""

    resource: str
    issuers: tuple[str, ...]
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerMetadata:
    """An authorization server. Endpoints are None where it has none; with `methods` clients say who they are."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str | None = None
    registration_endpoint: str | None = None
    revocation_endpoint: str | None = None
    methods: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    has_pkce: bool = False
    says_who_it_is: bool = False
    takes_client_documents: bool = False


def resource_metadata_urls(server_url: str, challenge: Challenge) -> list[str]:
    """Where the metadata of an MCP server may lie: where its challenge says, or else at the known places."""
    if challenge.metadata_url:
        return [challenge.metadata_url]
    origin, path = origin_of(server_url), urlsplit(server_url).path.rstrip("/")
    return list(dict.fromkeys([f"{origin}{_RESOURCE}{path}", f"{origin}{_RESOURCE}"]))


def server_metadata_urls(issuer: str) -> list[str]:
    """Where the metadata of an authorization server may lie, in the order of MCP's specification."""
    parts = urlsplit(issuer)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    if not path:
        return [f"{origin}{_SERVER}", f"{origin}{_OPENID}"]
    return [f"{origin}{_SERVER}{path}", f"{origin}{_OPENID}{path}", f"{origin}{path}{_OPENID}"]


def read_resource_metadata(document: Document, *, server_url: str) -> ResourceMetadata:
    """The metadata of the server at `server_url`. Raises OAuthFault for that of another one."""
    resource = _text(document, "resource")
    if not resource or not _covers(resource, server_url):
        raise OAuthFault("its metadata is about another resource than the server that was asked")
    issuers = tuple(issuer for issuer in _texts(document, "authorization_servers") if not endpoint_fault(issuer))
    if not issuers:
        raise OAuthFault("its metadata names no authorization server that could be used")
    return ResourceMetadata(resource, issuers, read_scopes(" ".join(_texts(document, "scopes_supported"))))


def read_server_metadata(document: Document, *, issuer: str) -> ServerMetadata:
    """The metadata of `issuer`, which it has to name to the letter (RFC 8414, section 3.3). Raises OAuthFault."""
    if _text(document, "issuer") != issuer:
        raise OAuthFault("the metadata of its authorization server was issued by another one")
    token_endpoint = _endpoint(document, "token_endpoint")
    if token_endpoint is None:
        raise OAuthFault("its authorization server has no token endpoint")
    return ServerMetadata(
        issuer=issuer,
        token_endpoint=token_endpoint,
        authorization_endpoint=_endpoint(document, "authorization_endpoint"),
        registration_endpoint=_endpoint(document, "registration_endpoint"),
        revocation_endpoint=_endpoint(document, "revocation_endpoint"),
        methods=_texts(document, "token_endpoint_auth_methods_supported"),
        scopes=_texts(document, "scopes_supported"),
        has_pkce="S256" in _texts(document, "code_challenge_methods_supported"),
        says_who_it_is=document.get("authorization_response_iss_parameter_supported") is True,
        takes_client_documents=document.get("client_id_metadata_document_supported") is True,
    )


def _covers(resource: str, server_url: str) -> bool:
    """Whether a resource is this server, or a whole of which its path is a part, at the same origin."""
    parts = split_url(resource)
    if parts is None or parts.query or parts.fragment or not parts.hostname:
        return resource == server_url
    if origin_of(resource) != origin_of(server_url):
        return False
    whole, part = parts.path.rstrip("/"), urlsplit(server_url).path.rstrip("/")
    return part == whole or part.startswith(f"{whole}/")


def _endpoint(document: Document, name: str) -> str | None:
    url = _text(document, name)
    if not url:
        return None
    if fault := endpoint_fault(url):
        raise OAuthFault(f"the {name} of its authorization server {fault}")
    return url


def _text(document: Document, name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _texts(document: Document, name: str) -> tuple[str, ...]:
    values = document.get(name)
    found = cast("list[Any]", values)[:_MOST] if isinstance(values, list) else []
    return tuple(value for value in found if isinstance(value, str))
