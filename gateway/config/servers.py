"""MCP servers: from the form that clients write to what the hub is told.

Above: `loading`, for the gateway's own file and for clients' files. Below: `sandbox` says which mounts may be.
Refuses to know: how a server is started or reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from gateway.config.addresses import travels_in_clear, url_fault
from gateway.config.config import Steps
from gateway.config.documents import WHAT_NAMES_ARE, is_name
from gateway.config.environment import read_env_file
from gateway.config.files import FileFault
from gateway.config.mcp_documents import SandboxDocument, ServerDocument, ServersDocument
from gateway.config.openapi_servers import (
    check_openapi_server,
    chosen_operations,
    openapi_file,
    scheme_credentials,
)
from gateway.config.report import Report
from gateway.config.sections import check_headers
from gateway.config.server_auth import ServerAuth
from gateway.config.server_auth_documents import (
    ClientCredentialsDocument,
    UserAuthDocument,
    build_server_auth,
)
from gateway.config.server_config import HttpServerConfig, OpenApiServerConfig, ServerConfig, StdioServerConfig
from sandbox.spec import Limits, Mount, SandboxError, StdioServer
from sandbox.store.mounts import checked_mounts, parse_mount

_STDIO = frozenset({"stdio", "local"})
_HTTP = frozenset({"http", "streamable-http", "streamableHttp", "streamable_http", "streamablehttp"})
_SSE = "sse"
_RESERVED = {
    "provider": "in policies this name means tools that model providers run themselves",
    "toolgate": "this name means tools of the gateway's own",
}
_OPENAPI_ONLY = "means something for a server with an OpenAPI document only"
_BY_SECONDS = 1000  # a timeout below this many milliseconds can only have been meant in seconds


def name_fault(name: str) -> str | None:
    """Why no server can have this name; None where one can."""
    return _RESERVED.get(name) if is_name(name) else WHAT_NAMES_ARE


def build_servers(document: ServersDocument, folder: Path, report: Report) -> Iterator[ServerConfig]:
    """The servers; relative paths begin at `folder`. Blocking: looks at mounts, reads environment files."""
    for name, server in document.servers.items():
        builder = _Builder(name, server, folder, report)
        if built := builder.build():
            yield built


@dataclass(frozen=True, slots=True)
class _Builder:
    name: str
    document: ServerDocument
    folder: Path
    report: Report

    def build(self) -> ServerConfig | None:
        if self.name in _RESERVED:
            self._error(None, _RESERVED[self.name], "rename it")
        url = self._url()
        if self.document.openapi is not None:
            return self._openapi(self.document.openapi, url)
        if self.document.operations is not None:
            self._error("operations", _OPENAPI_ONLY, "remove it")
        if self.document.credentials:
            self._error("credentials", _OPENAPI_ONLY, "remove it")
        transport = self._transport(has_url=url is not None)
        if transport is None:
            return None
        if transport == "http":
            return self._http(url or "")
        return self._stdio()

    def _error(self, field: str | None, message: str, hint: str | None = None) -> None:
        path = ("mcpServers", self.name)
        self.report.error((*path, field) if field else path, message, hint)

    def _warn(self, field: str, message: str, hint: str | None = None) -> None:
        self.report.warn(("mcpServers", self.name, field), message, hint)

    def _url(self) -> str | None:
        document = self.document
        given = {"url": document.url, "serverUrl": document.server_url, "httpUrl": document.http_url}
        urls = {field: url for field, url in given.items() if url is not None}
        if len(set(urls.values())) > 1:
            self._error(list(urls)[-1], f"another URL is given as {next(iter(urls))}", "keep one of them")
        for field, url in urls.items():
            if fault := url_fault(url):
                self._error(field, *fault)
        return next(iter(urls.values()), None)

    def _transport(self, *, has_url: bool) -> str | None:
        """`stdio` or `http`; None when that cannot be said, which is reported."""
        has_command = self.document.command is not None
        if has_url and has_command:
            self._error("command", "a server has a command or a URL, not both", "keep one of them")
            return None
        if not has_url and not has_command:
            self._error(None, "a server needs a command or a URL", "write command: ..., or url: ...")
            return None
        transport = "http" if has_url else "stdio"
        return transport if self._agrees(transport) else None

    def _agrees(self, transport: str) -> bool:
        """Whether the type, where one is given, is that of the other fields."""
        document = self.document
        given = {"type": document.type, "transport": document.transport, "transportType": document.transport_type}
        fits = _HTTP | {_SSE} if transport == "http" else _STDIO
        for field, kind in given.items():
            if kind is None or kind in fits:
                continue
            if kind in ("ws", "websocket"):
                self._error(field, "servers over WebSocket are not supported", "use a streamable HTTP URL")
            elif kind in _STDIO | _HTTP | {_SSE}:
                other = "url" if transport == "http" else "command"
                self._error(
                    field, f"is not that of a server with a {other}", "remove it, it is seen from the rest"
                )
            else:
                self._error(field, "must be stdio, http or sse", "remove it, it is seen from the rest")
            return False
        return True

    def _timeout(self) -> float | None:
        """In seconds."""
        timeout = self.document.timeout
        if timeout is None or timeout >= _BY_SECONDS:
            return None if timeout is None else timeout / 1000
        self._warn("timeout", "is in milliseconds, but so few that it is taken for seconds", "write milliseconds")
        return timeout

    @property
    def _disabled(self) -> bool:
        return self.document.disabled or not self.document.enabled

    def _http(self, url: str) -> HttpServerConfig:
        document = self.document
        if document.sandbox is not None:
            self._error("sandbox", "a server with a URL runs elsewhere", "remove it, or give a command")
        for field, value in (("args", document.args), ("env", document.env), ("cwd", document.cwd)):
            if value:
                self._warn(field, "means nothing for a server with a URL", "remove it")
        check_headers(("mcpServers", self.name, "headers"), document.headers, self.report)
        if document.headers and travels_in_clear(url):
            self._warn("url", "the headers for this server travel unencrypted", "use https")
        auth = None if document.auth is None else self._auth(document.auth, url)
        transport = "sse" if self._is_old(url) else "http"
        return HttpServerConfig(
            self.name, url, document.headers, self._timeout(), self._disabled, document.on_change, transport, auth
        )

    def _is_old(self, url: str) -> bool:
        """Whether it speaks HTTP+SSE: where no type says so, a path does that such servers have by convention."""
        given = {self.document.type, self.document.transport, self.document.transport_type} - {None}
        return _SSE in given if given else urlsplit(url).path.endswith("/sse")

    def _auth(self, document: ClientCredentialsDocument | UserAuthDocument, url: str) -> ServerAuth:
        if any(name.lower() == "authorization" for name in self.document.headers):
            self._error("auth", "a header gives credentials as well", "keep one of them")
        if travels_in_clear(url):
            self._error("auth", "tokens for this server would travel unencrypted", "use https")
        return build_server_auth(("mcpServers", self.name, "auth"), document, self.report)

    def _openapi(self, document: str, url: str | None) -> OpenApiServerConfig:
        check_openapi_server(self.name, self.document, self.report)
        if self.document.auth is not None and url is None:
            self._error("auth", "tokens are for one place alone", "give the server a url, where the API is")
        auth = None if self.document.auth is None else self._auth(self.document.auth, url or "")
        return OpenApiServerConfig(
            self.name,
            openapi_file(self.name, document, self.folder, self.report),
            url,
            self.document.headers,
            *chosen_operations(self.document),
            self._timeout(),
            self._disabled,
            self.document.on_change,
            auth,
            scheme_credentials(self.name, self.document, self.report),
        )

    def _stdio(self) -> StdioServerConfig:
        document = self.document
        options = document.sandbox or SandboxDocument()
        if document.headers:
            self._warn("headers", "mean nothing for a server with a command", "hand a credential over in env")
        if document.auth is not None:
            self._error("auth", "a server with a command gets no tokens", "hand a credential over in env")
        env = {**self._variables_of_file(), **document.env}
        self._check_text([("command", document.command or ""), ("cwd", document.cwd or "")])
        self._check_text([("args", argument) for argument in document.args])
        self._check_text([("env", f"{name}{value}") for name, value in env.items()])
        if any(not name or "=" in name for name in env):
            self._error("env", "a variable's name cannot be empty or hold =")
        self._warn_of_openness(options)
        server = StdioServer(
            name=self.name,
            command=document.command or "",
            args=tuple(document.args),
            env=env,
            cwd=str(self.folder / document.cwd) if document.cwd else None,
            backend=options.backend,
            network=options.network,
            workspace=self._workspace(options),
            image=options.image,
            mounts=self._mounts(options),
            limits=Limits(options.memory, options.cpus, options.processes, options.disk),
        )
        return StdioServerConfig(self.name, server, self._timeout(), self._disabled, document.on_change)

    def _check_text(self, texts: list[tuple[str, str]]) -> None:
        for field, text in texts:
            if "\0" in text:
                self._error(field, "holds a NUL character")

    def _variables_of_file(self) -> dict[str, str]:
        if self.document.env_file is None:
            return {}
        path = self.folder / self.document.env_file
        try:
            variables, errors, warnings = read_env_file(path)
        except FileFault as fault:
            self._error("envFile", f"the file {path}: {fault.message}", fault.hint)
            return {}
        self.report.errors.extend(errors)
        self.report.warnings.extend(warnings)
        return variables

    def _warn_of_openness(self, options: SandboxDocument) -> None:
        path = self._sandbox
        if options.backend == "host":
            message = "this server runs outside any sandbox, with all that the gateway itself may do"
            self.report.warn((*path, "backend"), message, "use auto unless you wrote the server yourself")
        elif options.network == "open":
            message = "this server reaches every host that this machine reaches"
            self.report.warn((*path, "network"), message, "use none unless it needs the network")

    def _workspace(self, options: SandboxDocument) -> str | None:
        if options.workspace is not None:
            try:
                checked_mounts((), options.workspace)
            except SandboxError as error:
                self.report.error((*self._sandbox, "workspace"), error.message, error.hint)
        return options.workspace

    def _mounts(self, options: SandboxDocument) -> tuple[Mount, ...]:
        mounts = [
            mount for index, text in enumerate(options.mounts) if (mount := self._mount(text, index)) is not None
        ]
        inside = [str(PurePosixPath(mount.target)) for mount in mounts]
        if options.workspace is not None:
            inside.append(str(PurePosixPath(options.workspace)))
        if len(set(inside)) < len(inside):
            message = "two folders have the same place inside"
            self.report.error((*self._sandbox, "mounts"), message, "give each its own PATH")
        return tuple(mounts)

    def _mount(self, text: str, index: int) -> Mount | None:
        path = (*self._sandbox, "mounts", index)
        try:
            mount = parse_mount(text)
        except SandboxError:
            self.report.error(path, "is not a mount", "write HOST:PATH, or HOST:PATH:rw to let it write there")
            return None
        source = mount.source
        if source.parts[:1] == ("~",):
            try:
                source = Path.home().joinpath(*source.parts[1:])
            except RuntimeError:
                self.report.error(path, "there is no home folder for ~ to stand for", "write an absolute path")
                return None
        mount = Mount((self.folder / source).absolute(), mount.target, mount.writable)
        if "\0" in text:
            self.report.error(path, "holds a NUL character")
        elif not self._disabled:
            self._check_mount(mount, path)
        return mount

    def _check_mount(self, mount: Mount, path: Steps) -> None:
        try:
            checked_mounts([mount])
        except SandboxError as error:
            hint = error.hint or "name a folder that is there; the path is taken from the folder of this file"
            self.report.error(path, error.message, hint)

    @property
    def _sandbox(self) -> tuple[str, str, str]:
        return ("mcpServers", self.name, "sandbox")
