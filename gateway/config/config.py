"""What a configuration says, once it has been found to be right: immutable values without behaviour.

Above: the composition root makes services of them; `cli` shows the warnings. Refuses to know: files' syntax,
variables, pydantic. Every credential is kept out of `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.config.routing import ConcurrencyConfig, RoutingConfig
from gateway.config.server_auth import ClientCredentialsAuth, ServerAuth
from gateway.config.server_config import (
    HttpServerConfig,
    OpenApiServerConfig,
    Password,
    SchemeCredential,
    ServerConfig,
)
from gateway.errors import Problem
from tool_policies import PolicySet
from tool_policies.lockfile import Lockfile

Steps = Sequence[str | int]
"""A path in a document: keys and, in lists, indexes from 0."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the gateway listens. Port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 8484


@dataclass(frozen=True, slots=True)
class ProviderTimeouts:
    """Patience with a provider, in seconds: to connect, for the head of the answer, for each further piece."""

    connect: float = 10.0
    first_byte: float = 600.0
    idle: float = 120.0


@dataclass(frozen=True, slots=True)
class GoogleAuth:
    """Google's credentials: of a file, or without one those that the machine is set up for."""

    credentials_file: Path | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class OAuth2Auth:
    """A client's own credentials at a token endpoint (RFC 6749, section 4.4)."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class AwsAuth:
    """Amazon's credentials: these keys, or without them those that the machine is set up for."""

    region: str | None = None
    service: str | None = None
    profile: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)


ProviderAuth = AwsAuth | GoogleAuth | OAuth2Auth
"""How a provider's credentials are had that are not a key."""


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """A host of models. What is not given is known from the table of providers, under `kind` or else the name."""

    name: str
    kind: str | None = None
    dialects: tuple[str, ...] = ()
    base_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    quirks: tuple[str, ...] | None = None
    timeouts: ProviderTimeouts = ProviderTimeouts()
    auth: ProviderAuth | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    proxy: str | None = field(default=None, repr=False)
    ca_certificates: str | None = field(default=None, repr=False)
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    concurrency: ConcurrencyConfig | None = None


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """US dollars for a million tokens. What is None is counted as `input`."""

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """One place where a model can be had. Without `model` the name that was asked for is passed on.

    A `price` that is a text names a model in the list of prices, as `provider/model`. `capabilities` and
    `context_tokens` are None where they are not known.
    """

    provider: str
    model: str | None = None
    price: ModelPrice | str | None = None
    weight: float = 1.0
    tags: frozenset[str] = frozenset()
    region: str | None = None
    capabilities: frozenset[str] | None = None
    context_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class LockConfig:
    """What servers are held to: the lock file at `path`, None where there is none."""

    path: Path | None = None
    required: bool = False
    lockfile: Lockfile | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KeyConfig:
    """A virtual key: its models (glob patterns), the policies that hold for it, and when tools are attached.

    With `selection` `search`, models are shown the tools that `pins` (patterns) mean, and search for the others.
    `unknown_tools` says what becomes of tools in a request whose type the gateway does not know, and `passthrough`
    which of a provider's surfaces are open to it besides models that talk.
    """

    name: str
    secret: str = field(repr=False)
    models: tuple[str, ...] = ("*",)
    policies: tuple[str, ...] = ()
    tools: Literal["auto", "on_request", "off"] = "auto"
    unknown_tools: Literal["refuse", "pass"] = "refuse"
    remember: bool = True
    team: str | None = None
    tags: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    passthrough: frozenset[str] = frozenset()
    selection: Literal["all", "search"] = "all"
    pins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class McpEndpointConfig:
    """How MCP clients reach `/mcp`. `public_url` is the gateway's address as they know it, without a path.

    `allowed_hosts` are further names for it, and `allowed_origins` the pages that may use it.
    """

    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyRuleConfig:
    """Tokens whose claims are as `when` has them act as the key. Of each claim one of the values is enough; `*` in
    a text stands for any characters.
    """

    key: str
    when: tuple[tuple[str, tuple[str | bool, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class IssuerConfig:
    """Who vouches for users with signed tokens. Its keys are `secret`, what `jwks` holds (a JSON Web Key Set), or
    had from `jwks_url`; without any, from where the issuer's metadata says.
    """

    name: str
    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    jwks_url: str | None = None
    jwks: bytes | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    user_claim: str = "sub"
    leeway: float = 30.0
    rules: tuple[KeyRuleConfig, ...] = ()
    scopes: tuple[str, ...] = ()
    mcp_sign_in: bool = False


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """The bounds of one run (see `gateway.tool_loop.limits`), of one request, and of all requests together."""

    rounds: int = 16
    calls: int = 64
    concurrent_calls: int = 8
    wall_clock_seconds: float = 600.0
    tool_call_seconds: float = 60.0
    result_bytes: int = 256 * 1024
    repeats: int = 3
    remembered_bytes: int = 2 * 1024 * 1024
    usd: float | None = None
    body_bytes: int = 16 * 1024 * 1024
    upload_bytes: int = 64 * 1024 * 1024
    requests_in_flight: int = 512
    stream_heartbeat_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where things are kept. `database` is an SQLAlchemy URL, which may hold a password."""

    state_dir: Path
    cache_dir: Path
    database: str = field(repr=False)
    audit_jsonl: Path | None = None
    retention_days: int = 30
    memory_days: int = 7
    memory_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and the line at which each of its parts stands.

    `renamed` holds top-level keys that this file spells in its own way: `mcpServers` is `servers` in VS Code's.
    """

    file: str
    line_of: Callable[[Steps], int | None]
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])

    def line(self, path: Steps) -> int | None:
        """The line of what is at `path`, else of its nearest parent."""
        return self.line_of(self._as_written(path))

    def problem(self, path: Steps, message: str, hint: str | None = None) -> Problem:
        """A problem with what is at `path`."""
        written = self._as_written(path)
        return Problem(self.file, message, self.line_of(written), dotted(written) or None, hint)

    def _as_written(self, path: Steps) -> Steps:
        if path and isinstance(path[0], str):
            return (self.renamed.get(path[0], path[0]), *path[1:])
        return path


@dataclass(frozen=True, slots=True)
class Config:
    """One configuration, complete and consistent in itself.

    `path` is None when only files of MCP servers were read; then there are no keys. `warnings` are to be shown
    on every start.
    """

    path: Path | None
    listen: Listen
    providers: Mapping[str, ProviderConfig]
    models: Mapping[str, tuple[ModelTarget, ...]]
    """By alias or glob pattern, in the order of the file; empty when it names none."""
    servers: tuple[ServerConfig, ...]
    keys: tuple[KeyConfig, ...]
    policies: PolicySet
    limits: LimitsConfig
    storage: StorageConfig
    warnings: tuple[Problem, ...] = ()
    provider_tools: Mapping[str, str] = field(default_factory=dict[str, str])
    """Tools of our servers, as `server/tool`, by the types of the providers' tools in whose place they run."""
    passthrough_provider: str = ""
    """Where files are; empty unless a key may have some."""
    operator_token: str | None = field(default=None, repr=False)
    routing: RoutingConfig = field(default_factory=RoutingConfig)
    lock: LockConfig = LockConfig()
    mcp_endpoint: McpEndpointConfig = McpEndpointConfig()
    issuers: tuple[IssuerConfig, ...] = ()
    main_source: Source | None = field(default=None, repr=False, compare=False)
    server_sources: Mapping[str, Source] = field(default_factory=dict[str, Source], repr=False, compare=False)

    def locate(self, path: Steps) -> tuple[str, int | None]:
        """The file and line of what stands at `path`, such as `("providers", "openai")`."""
        source = self._source(path)
        return (source.file, source.line(path)) if source else ("(no file)", None)

    def problem(self, path: Steps, message: str, hint: str | None = None) -> Problem:
        """A problem with what stands at `path`: for what only others can judge, such as providers' names."""
        source = self._source(path)
        return source.problem(path, message, hint) if source else Problem("(no file)", message, hint=hint)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text in it that must not get into logs, the longest first."""
        found = {key.secret for key in self.keys} | {self.operator_token or ""}
        found |= {issuer.secret or "" for issuer in self.issuers}
        for provider in self.providers.values():
            found |= {provider.api_key or "", *provider.api_keys}
            found |= {*_in_headers(provider.headers), _password_in(provider.proxy)}
            found |= _secrets_in(provider.env)
            if isinstance(provider.auth, OAuth2Auth):
                found.add(provider.auth.client_secret)
            elif isinstance(provider.auth, AwsAuth):
                found |= {provider.auth.secret_access_key or "", provider.auth.session_token or ""}
        for server in self.servers:
            if isinstance(server, OpenApiServerConfig):
                found |= _secrets_in(dict(parse_qsl(urlsplit(server.url or "").query)))
                found |= {*_in_headers(server.headers), *_in_auth(server.auth), *_in_schemes(server.credentials)}
            elif isinstance(server, HttpServerConfig):
                found |= {*_in_headers(server.headers), *_in_auth(server.auth)}
            else:
                found |= _secrets_in(server.server.env)
        return tuple(sorted((text for text in found if len(text) >= _SHORTEST_HIDDEN), key=len, reverse=True))

    def _source(self, path: Steps) -> Source | None:
        if len(path) > 1 and path[0] == "mcpServers":
            return self.server_sources.get(str(path[1]), self.main_source)
        return self.main_source


_NAMES_SECRET = re.compile(r"key|token|secret|passw|credential|auth|cookie|dsn", re.IGNORECASE)
_SHORTEST_HIDDEN = 6  # characters: shorter ones would tear holes into what has nothing to do with them


def _in_headers(headers: Mapping[str, str]) -> set[str]:
    """The values of headers that carry credentials, without the scheme in front of them."""
    values = (value for name, value in headers.items() if _NAMES_SECRET.search(name))
    return {value.strip().rpartition(" ")[2] for value in values}


def _in_auth(auth: ServerAuth | None) -> set[str]:
    key = auth.private_key if isinstance(auth, ClientCredentialsAuth) else None
    return {auth.client_secret or "", key or ""} if auth else set()


def _in_schemes(credentials: Mapping[str, SchemeCredential]) -> set[str]:
    return {one.password if isinstance(one, Password) else one or "" for one in credentials.values()}


def _secrets_in(named: Mapping[str, str]) -> set[str]:
    return {value for name, value in named.items() if _NAMES_SECRET.search(name)}


def _password_in(url: str | None) -> str:
    return unquote(urlsplit(url).password or "") if url else ""


def dotted(path: Steps) -> str:
    """`keys.agent-1.models[0]`; a key that would not read well so stands in quotes."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            shown = step if _reads_well(step) else f'"{step[:64]}"'
            text += f".{shown}" if text else shown
    return text


def _reads_well(step: str) -> bool:
    return 0 < len(step) <= 64 and all(character.isalnum() or character in "_-" for character in step)
