"""`mcpServers` as Claude, Cursor, VS Code and others write it, with our `sandbox` beside their fields.

What clients write beside it that means nothing to a gateway is in `client_fields`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.config import JsonDict

from gateway.config.client_fields import FOREIGN
from gateway.config.documents import (
    Document,
    KeyDocument,
    LimitsDocument,
    ListenDocument,
    McpEndpointDocument,
    Name,
    Number,
    PassthroughDocument,
    ProviderDocument,
    Size,
    StorageDocument,
    Text,
    WholeNumber,
    fault,
)
from gateway.config.identity_documents import IdentityDocument
from gateway.config.model_documents import ModelDocument, ModelEntry, RoutingDocument
from gateway.config.server_auth_documents import ServerAuthDocument


class SandboxDocument(Document):
    """How the server's process is confined. Only for servers with a `command`."""

    backend: Literal["auto", "docker", "bubblewrap", "host"] = "auto"
    """What confines it; `host` is nothing at all."""
    network: Literal["none", "open"] = "none"
    """`open` is all of this machine's network."""
    workspace: Text | None = None
    """The absolute path inside at which each key gets a writable folder of its own."""
    image: Text | None = Field(default=None, min_length=1)
    """A container image to run it in."""
    mounts: list[Text] = Field(default=[], max_length=64)
    """Folders of this machine: `HOST:PATH`, read-only unless `:rw` follows."""
    memory: Size = Field(default=512 * 1024**2, ge=16 * 1024**2, le=1024**4)
    """Such as 512m."""
    cpus: Number = Field(default=1.0, ge=0.1, le=1024)
    """How many processors' worth of time."""
    processes: WholeNumber = Field(default=128, ge=1, le=65_536)
    """Processes and threads together."""
    disk: Size = Field(default=64 * 1024**2, ge=1024**2, le=1024**4)
    """For each temporary file system, and for each file written; such as 64m."""


Pattern = Annotated[str, Field(min_length=1, max_length=256)]


class OperationsDocument(Document):
    """Which operations of an OpenAPI document are offered."""

    include: list[Pattern] = Field(default=[], max_length=256)
    """Patterns such as `getPet*` for names, and `GET /pets/*` for methods and paths; without any, all are."""
    exclude: list[Pattern] = Field(default=[], max_length=256)
    """Patterns of those that are not."""


class PasswordDocument(Document):
    """What HTTP's basic authentication wants."""

    username: str = Field(max_length=4096)
    """Without a colon."""
    password: str = Field(max_length=16 * 1024, repr=False)
    """Best as `${VARIABLE}`."""


def _form_of_credential(value: Any) -> str:
    return "elsewhere" if value is False else "text" if isinstance(value, str) else "password"


SchemeCredentialDocument = Annotated[
    Annotated[str, Field(min_length=1, max_length=16 * 1024), Tag("text")]
    | Annotated[PasswordDocument, Tag("password")]
    | Annotated[Literal[False], Tag("elsewhere")],
    Discriminator(_form_of_credential),
]


def _with_foreign_fields(schema: JsonDict) -> None:
    known = schema.get("properties")
    if isinstance(known, dict):
        known.update(dict.fromkeys(sorted(FOREIGN), True))


class ServerDocument(Document):
    """A tool server: a `command` to run, the `url` of one that runs elsewhere, or an `openapi` document."""

    model_config = ConfigDict(json_schema_extra=_with_foreign_fields)

    type: str | None = None
    """stdio, or http for streamable HTTP; seen from the other fields when it is not given."""
    transport: str | None = None
    """The same as `type`."""
    transport_type: str | None = Field(default=None, alias="transportType")
    """The same as `type`."""
    command: Text | None = Field(default=None, min_length=1)
    """The program, such as npx, uvx, python3 or docker."""
    args: list[str] = Field(default=[])
    """Its arguments."""
    env: dict[str, str] = Field(default_factory=dict[str, str], repr=False)
    """Its environment; it gets nothing of the gateway's own."""
    env_file: Text | None = Field(default=None, alias="envFile", min_length=1)
    """A file of `NAME=value` lines behind `env`."""
    cwd: Text | None = Field(default=None, min_length=1)
    """The folder that it starts in."""
    url: Text | None = Field(default=None, min_length=1, repr=False)
    """Where it answers over streamable HTTP."""
    server_url: Text | None = Field(default=None, alias="serverUrl", min_length=1, repr=False)
    """The same as `url`."""
    http_url: Text | None = Field(default=None, alias="httpUrl", min_length=1, repr=False)
    """The same as `url`."""
    openapi: Text | None = Field(default=None, min_length=1)
    """A file with an OpenAPI document (3.0 to 3.2): each operation is a tool. `url` says then where the API is."""
    operations: OperationsDocument | None = None
    """Ours: which operations of the document are offered."""
    headers: dict[str, str] = Field(default_factory=dict[str, str], repr=False)
    """Sent with every request to `url`, and nowhere else."""
    credentials: dict[str, SchemeCredentialDocument] = Field(
        default_factory=dict[str, SchemeCredentialDocument], max_length=64, repr=False
    )
    """Ours: for the security schemes of an OpenAPI document, by their names: a key or token, best as
    `${VARIABLE}`; name and password for one that is basic; or false, where something on the way adds it.
    """
    auth: ServerAuthDocument | None = Field(default=None, repr=False)
    """Ours: tokens for `url` that are fetched and renewed, the gateway's own or each user's."""
    timeout: Number | None = Field(default=None, gt=0, le=1e9)
    """For one call, in milliseconds, as Claude Code and Gemini CLI have it; below 1000 it is taken for seconds."""
    disabled: bool = False
    """Kept in the file, but not started."""
    enabled: bool = True
    """The other way to say `disabled`."""
    on_change: Literal["hide", "serve_locked", "accept"] = "hide"
    """Ours: what becomes of a tool that is not as it was locked. serve_locked shows models the locked words where
    only words have changed; accept takes every change over, for servers that are just being written.
    """
    sandbox: SandboxDocument | None = None
    """Ours: how the process is confined. The default is tight."""


class ServersDocument(Document):
    """The part of a client's file that is read."""

    servers: dict[Name, ServerDocument] = Field(default_factory=dict[str, ServerDocument], alias="mcpServers")
    """The MCP servers, by the name under which policies know their tools."""


def _known_version(version: int) -> int:
    if version != 1:
        raise fault("must be 1", "this toolgate reads version 1 of the format")
    return version


Version = Annotated[WholeNumber, AfterValidator(_known_version), Field(json_schema_extra={"const": 1})]


class ConfigDocument(ServersDocument):
    """The configuration of a gateway."""

    version: Version | None = None
    """The version of this format: 1."""
    listen: ListenDocument = ListenDocument()
    mcp_endpoint: McpEndpointDocument = McpEndpointDocument()
    providers: dict[Name, ProviderDocument] = Field(default_factory=dict[str, ProviderDocument])
    """The hosts of models, by name."""
    models: dict[str, ModelEntry] = Field(default_factory=dict[str, ModelDocument])
    """What clients may ask for: an alias, or a pattern with `*`, and where it is had; the first is tried first."""
    keys: dict[Name, KeyDocument] = Field(default_factory=dict[str, KeyDocument])
    """The virtual keys, by name."""
    identity: IdentityDocument = IdentityDocument()
    routing: RoutingDocument = RoutingDocument()
    operator_token: Text | None = Field(default=None, repr=False)
    """What operators present from other machines to see the states of servers and the metrics."""
    lock: Literal["auto", "required"] = "auto"
    """Whether the gateway starts without a tools.lock beside this file: auto then holds each tool to how it was
    first seen.
    """
    provider_tools: dict[Name, Text] = Field(default_factory=dict[str, str], max_length=256)
    """Tools of ours, as server/tool, that run in the place of tools of a provider's, by the types of those."""
    passthrough: PassthroughDocument = PassthroughDocument()
    policy_files: list[Text] = Field(default=[], max_length=256)
    """The files with tool policies."""
    limits: LimitsDocument = LimitsDocument()
    storage: StorageDocument = StorageDocument()
