"""`mcpServers.X.auth`: how tokens for a server are had, and what types cannot say about it.

Above: `servers`. Refuses to know: how OAuth works, which is `gateway.hub.credentials`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field

from gateway.config.addresses import travels_in_clear, url_fault
from gateway.config.config import Steps
from gateway.config.documents import Document, Text, fault
from gateway.config.report import Report
from gateway.config.server_auth import ClientCredentialsAuth, ServerAuth, UserAuth

AUTH_TYPES = ("client_credentials", "oauth")


def _scopes(value: Any) -> Any:
    """As OAuth writes them, or as a list."""
    return value.split() if isinstance(value, str) else value


Scopes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")]],
    BeforeValidator(_scopes, json_schema_input_type=str | list[str]),
    Field(max_length=64),
]


class ClientCredentialsDocument(Document):
    """The gateway's own credentials, the same for everybody who calls."""

    type: Literal["client_credentials"]
    """This way: OAuth's client credentials."""
    client_id: Text = Field(min_length=1)
    """Who the gateway is to the authorization server."""
    client_secret: Text | None = Field(default=None, min_length=1, repr=False)
    """Best as `${VARIABLE}`."""
    private_key: Annotated[str, Field(max_length=64 * 1024)] | None = Field(default=None, repr=False)
    """In the place of a secret: an RSA or P-256 key as PEM, best as `${file:key.pem}`."""
    scopes: Scopes = Field(default=[])
    """What tokens are for; as the server says unless given."""
    token_url: Text | None = Field(default=None, min_length=1, repr=False)
    """Where tokens are had; found out from the server unless given."""
    issuer: Text | None = Field(default=None, min_length=1)
    """The only authorization server that may get the secret; the first that the server names unless given."""


class UserAuthDocument(Document):
    """The credentials of each user, who signs in once with a browser."""

    type: Literal["oauth"]
    """This way: OAuth's authorization codes."""
    client_id: Text | None = Field(default=None, min_length=1)
    """Where the gateway was registered by hand; it registers itself unless given."""
    client_secret: Text | None = Field(default=None, min_length=1, repr=False)
    """Best as `${VARIABLE}`."""
    scopes: Scopes = Field(default=[])
    """What tokens are for; as the server says unless given."""
    issuer: Text | None = Field(default=None, min_length=1)
    """The only authorization server at which users sign in."""
    per: Literal["caller", "user", "key"] = "caller"
    """Whose they are: the user's who is proven to be behind a call, else its key's (caller); a user's or nobody's
    (user); the key's, whoever is behind it (key).
    """


def _of_a_known_type(value: Any) -> Any:
    """In words that say which there are."""
    if isinstance(value, dict) and cast("dict[str, Any]", value).get("type") not in AUTH_TYPES:
        raise fault("must have the type oauth or client_credentials", "write auth: {type: oauth}, for example")
    return cast("Any", value)


ServerAuthDocument = Annotated[
    ClientCredentialsDocument | UserAuthDocument, Field(discriminator="type"), BeforeValidator(_of_a_known_type)
]


def build_server_auth(
    path: Steps, document: ClientCredentialsDocument | UserAuthDocument, report: Report
) -> ServerAuth:
    """The value of a document; what is wrong with it is reported."""
    _check_url((*path, "issuer"), document.issuer, report)
    _check_secret((*path, "client_secret"), document.client_secret, report)
    if isinstance(document, UserAuthDocument):
        if document.client_secret is not None and document.client_id is None:
            report.error((*path, "client_secret"), "is of no use without its client_id", "give both, or neither")
        return UserAuth(
            document.client_id, document.client_secret, tuple(document.scopes), document.issuer, document.per
        )
    _check_url((*path, "token_url"), document.token_url, report)
    if (document.client_secret is None) == (document.private_key is None):
        report.error(path, "needs a client_secret or a private_key, and not both", "give one of them")
    if document.private_key is not None:
        _check_key((*path, "private_key"), document.private_key, report)
    return ClientCredentialsAuth(
        document.client_id,
        document.client_secret,
        document.private_key,
        tuple(document.scopes),
        document.token_url,
        document.issuer,
    )


def _check_key(path: Steps, pem: str, report: Report) -> None:
    from gateway.config.signing_keys import read_signing_key  # noqa: PLC0415 - few have one, and it is slow to import

    if not pem.strip().startswith("-----BEGIN "):
        report.error(path, "must be a key as PEM", "write ${file:key.pem}, for example")
        return
    try:
        read_signing_key(pem)
    except ValueError as fault:
        report.error(path, str(fault), "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256")


def _check_url(path: Steps, url: str | None, report: Report) -> None:
    if url is None:
        return
    if wrong := url_fault(url):
        report.error(path, *wrong)
    elif travels_in_clear(url):
        report.error(path, "what is sent there would travel unencrypted", "use https")


def _check_secret(path: Steps, secret: str | None, report: Report) -> None:
    if secret is not None and (not secret.strip() or not secret.isprintable()):
        report.error(path, "is empty, or holds characters that a secret cannot have", "see its variable")
