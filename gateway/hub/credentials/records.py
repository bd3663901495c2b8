"""What is kept of a user's connection, and of one that is being made: values, and their form at rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from gateway.hub.credentials.clients import Client
from gateway.hub.credentials.metadata import ServerMetadata
from gateway.hub.credentials.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Record:
    """A user's tokens, with all that they are bound to: used for nothing else.

    `asked` are all scopes that were ever asked for, and `wanted` those that the next sign-in asks for as well.
    `is_live` is False once nothing but a new sign-in helps.
    """

    url: str
    resource: str
    server: ServerMetadata
    client: Client
    tokens: Tokens
    asked: tuple[str, ...]
    since: float
    label: str
    wanted: tuple[str, ...] = ()
    is_live: bool = True


@dataclass(frozen=True, slots=True)
class Flow:
    """A sign-in under way, until its user comes back. `browser` is a digest of what their browser was given."""

    url: str
    subject: str
    label: str
    resource: str
    server: ServerMetadata
    client: Client
    asked: tuple[str, ...]
    redirect_uri: str
    browser: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


def write(value: Record | Flow | Client) -> bytes:
    """Its form at rest, before it is sealed."""
    return orjson.dumps(asdict(value))


def read_record(data: bytes) -> Record:
    """What `write` made of a record."""
    kept = _kept(data)
    tokens: dict[str, Any] = kept["tokens"]
    tokens["scopes"] = tuple(tokens["scopes"])
    kept["tokens"] = Tokens(**tokens)
    kept["asked"], kept["wanted"] = tuple(kept["asked"]), tuple(kept["wanted"])
    return Record(**kept)


def read_flow(data: bytes) -> Flow:
    """What `write` made of a sign-in."""
    kept = _kept(data)
    kept["asked"] = tuple(kept["asked"])
    return Flow(**kept)


def read_client(data: bytes) -> Client:
    """What `write` made of a client."""
    return Client(**orjson.loads(data))


def _kept(data: bytes) -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(data)
    server: dict[str, Any] = kept["server"]
    server |= {name: tuple(server[name]) for name in ("methods", "scopes")}
    kept["server"] = ServerMetadata(**server)
    kept["client"] = Client(**kept["client"])
    return kept
