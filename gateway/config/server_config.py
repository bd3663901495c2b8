"""What a configuration says of a tool server, of each kind there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.config.server_auth import ServerAuth
from sandbox.spec import StdioServer

OnChange = Literal["hide", "serve_locked", "accept"]
"""What becomes of tools that have changed since they were locked."""


@dataclass(frozen=True, slots=True)
class StdioServerConfig:
    """An MCP server that runs as a process of ours. Its arguments may hold a credential, too."""

    name: str
    server: StdioServer = field(repr=False)
    timeout_seconds: float | None = None
    disabled: bool = False
    on_change: OnChange = "hide"


@dataclass(frozen=True, slots=True)
class HttpServerConfig:
    """An MCP server reached over streamable HTTP, or HTTP+SSE. The URL may hold a credential, too."""

    name: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_seconds: float | None = None
    disabled: bool = False
    on_change: OnChange = "hide"
    transport: Literal["http", "sse"] = "http"
    auth: ServerAuth | None = None


@dataclass(frozen=True, slots=True)
class Password:
    """A credential of HTTP's basic authentication."""

    username: str
    password: str = field(repr=False)


SchemeCredential = str | Password | None
"""What is sent for a security scheme: a key or token, or name and password; None where others on the way do it."""


@dataclass(frozen=True, slots=True)
class OpenApiServerConfig:
    """An API that an OpenAPI document describes; `url` stands for the first server that the document names.

    `include` and `exclude` are patterns for its operations, `credentials` are by the names of security schemes.
    """

    name: str
    document: Path
    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timeout_seconds: float | None = None
    disabled: bool = False
    on_change: OnChange = "hide"
    auth: ServerAuth | None = None
    credentials: Mapping[str, SchemeCredential] = field(default_factory=dict[str, SchemeCredential], repr=False)


ServerConfig = StdioServerConfig | HttpServerConfig | OpenApiServerConfig
