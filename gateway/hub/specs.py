"""What the hub is told: which servers there are, and how patient it should be with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gateway.config.server_auth import ServerAuth
from gateway.config.server_config import OnChange, SchemeCredential
from gateway.hub.openapi import Api, CredentialForm, Held, cookie_names, read_api
from sandbox.spec import StdioServer

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.server.mcpserver import MCPServer


@dataclass(frozen=True, slots=True)
class StdioServerSpec:
    """A server that runs as a process of ours.

    `timeout` is the operator's bound on one call, in seconds: the smaller of it and the call's own holds. A
    `disabled` server is shown in the statuses and never started.
    """

    name: str
    server: StdioServer
    timeout: float | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class HttpServerSpec:
    """A server reached over streamable HTTP, or over the older HTTP+SSE.

    `headers` may hold credentials and are sent to this URL's origin only. With `auth`,
    tokens are had for it and go with its messages.
    """

    name: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float | None = None
    disabled: bool = False
    transport: Literal["http", "sse"] = "http"
    auth: ServerAuth | None = None

    @property
    def speaks_mcp(self) -> bool:
        """Whether it can be sent messages of MCP."""
        return True


@dataclass(frozen=True, slots=True)
class InProcessServerSpec:
    """A server object of the official SDK, lowlevel `Server` or `MCPServer`, that runs within this process.

    Nothing confines it: it is code of whoever embeds the gateway. `on_change` says what becomes of tools that are
    not as they were locked or first seen.
    """

    name: str
    server: Server[Any] | MCPServer[Any] = field(repr=False)
    timeout: float | None = None
    disabled: bool = False
    on_change: OnChange = "hide"


@dataclass(frozen=True, slots=True)
class OpenApiServerSpec:
    """An API that an OpenAPI document describes. `headers` may hold credentials, and go to the API only.

    `url` stands for the first server of the document. `include` and `exclude` are patterns for its operations.
    `credentials` are by the names of its security schemes. With `auth`, which needs a `url`, tokens are had.
    """

    name: str
    document: Path
    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeout: float | None = None
    disabled: bool = False
    auth: ServerAuth | None = None
    credentials: Mapping[str, SchemeCredential] = field(default_factory=dict[str, SchemeCredential], repr=False)

    @property
    def speaks_mcp(self) -> bool:
        """Whether it can be sent messages of MCP."""
        return False

    def read(self) -> Api:
        """What the document says now. Blocking. Raises DocumentFault."""
        held = Held(
            {name: _form(credential) for name, credential in self.credentials.items()},
            frozenset(name.lower() for name in self.headers),
            cookies=cookie_names(self.headers),
            has_tokens=self.auth is not None,
        )
        return read_api(self.document, url=self.url, held=held, include=self.include, exclude=self.exclude)


def _form(credential: SchemeCredential) -> CredentialForm:
    if credential is None:
        return "elsewhere"
    return "text" if isinstance(credential, str) else "password"


ServerSpec = StdioServerSpec | HttpServerSpec | InProcessServerSpec | OpenApiServerSpec


@dataclass(frozen=True, slots=True)
class HubSettings:
    """The hub's patience and its bounds. All times are in seconds.

    `probe_head_start` is how long a server may be silent on the modern probe before the older handshake is
    tried beside it. `reconnect_patience` is how long a call waits for a server that is being reconnected.
    `stable_after` is how long a connection must have lasted for its loss to be followed by an immediate
    reconnect, without back-off. The `instance` settings are for servers that run once per owner.
    """

    prepare_timeout: float = 600.0
    connect_timeout: float = 30.0
    probe_head_start: float = 3.0
    reconnect_patience: float = 5.0
    first_backoff: float = 0.25
    longest_backoff: float = 30.0
    stable_after: float = 10.0
    relist_every: float = 300.0
    calls_in_flight: int = 64
    instance_idle: float = 300.0
    instances_per_server: int = 32
