"""Loads a configuration: reads the files, expands variables, finds everything that is wrong, or gives a `Config`.

    gateway.yaml ─ syntax ─ variables ─ types ─ meaning ─┐
    .mcp.json ...  (the servers alone, the same way)     ├─ Config, or ConfigError with all problems
    policy files ─ tool_policies ────────────────────────┘

Above: `cli` and reloads. Below: one module for each of these steps. Blocking: it reads files, and looks at mounts.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from gateway.config.addresses import is_loopback
from gateway.config.client_fields import take_foreign_fields
from gateway.config.config import Config, Listen, Source
from gateway.config.documents import StorageDocument
from gateway.config.environment import read_beside
from gateway.config.files import FileFault, FileMissing, read_text
from gateway.config.identity import build_issuers
from gateway.config.interpolation import Interpolation
from gateway.config.located_json import JsonProblem, load_json
from gateway.config.locks import load_lock
from gateway.config.mcp_documents import ConfigDocument, ServersDocument
from gateway.config.mcp_endpoint import build_mcp_endpoint
from gateway.config.model_sections import build_models, build_routing
from gateway.config.report import Report
from gateway.config.sections import (
    INIT,
    build_keys,
    build_limits,
    build_listen,
    build_providers,
    build_storage,
    check_provider_tools,
)
from gateway.config.server_auth import UserAuth
from gateway.config.server_config import ServerConfig, StdioServerConfig
from gateway.config.servers import build_servers
from gateway.config.validation import validate
from gateway.errors import ConfigError, Problem
from tool_policies import PolicyFile, PolicySet, YamlProblem, load_policies, load_yaml

DEFAULT_FILE = "gateway.yaml"
"""The name of the gateway's file where none is given."""
LARGEST_FILE = 1024 * 1024
"""Bytes that one file may have."""

_PUBLIC_URL = "say it: mcp_endpoint: {public_url: https://...}"
_OPTIONAL_ENTRIES = ("providers", "mcpServers")


def load_config(
    path: Path | None,
    *,
    mcp_configs: Sequence[Path] = (),
    environ: Mapping[str, str] | None = None,
    host: str | None = None,
    registered: Collection[str] = (),
) -> Config:
    """The configuration in `path`, with the servers of clients' files such as `.mcp.json` beside its own.

    `path` may be None when there are such files: then nothing but servers is configured. With neither, the file is
    `gateway.yaml` in the working directory. `environ` stands for the process's variables. `host` takes the place
    of `listen.host`, also where it decides how good secrets must be. `registered` are servers that the program
    itself has, which stand in no file. Blocking. Raises ConfigError, with every
    problem in every file.
    """
    variables = dict(os.environ if environ is None else environ)
    if path is None and not mcp_configs:
        path = Path(DEFAULT_FILE)
    return _Loading(variables, host, frozenset(registered)).load(path, mcp_configs)


@dataclass(slots=True)
class _Loading:
    """One attempt: what has been found so far, right and wrong."""

    variables: Mapping[str, str] = field(repr=False)
    host: str | None
    registered: frozenset[str]
    errors: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])
    servers: dict[str, ServerConfig] = field(default_factory=dict[str, ServerConfig])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    files: list[str] = field(default_factory=list[str])

    def load(self, path: Path | None, mcp_configs: Sequence[Path]) -> Config:
        config = self._without_file() if path is None else self._own_file(path)
        for file in mcp_configs:
            self._client_file(file)
        if config is not None:
            known = self.servers.keys() | self.registered
            self.errors += check_provider_tools(config, None if self.errors else known)
            self._warn_of_links(config)
        if self.errors or config is None:
            raise ConfigError(self._in_order(self.errors))
        warnings = tuple(self._in_order(self.warnings))
        return replace(
            config, servers=tuple(self.servers.values()), server_sources=self.sources, warnings=warnings
        )

    def _warn_of_links(self, config: Config) -> None:
        """Of links for users that lead to their own machine, since nobody said where the gateway is."""
        if config.mcp_endpoint.public_url is not None or is_loopback(config.listen.host):
            return
        message = "users sign in by links to 127.0.0.1, since it is not known where browsers reach the gateway"
        for name, server in self.servers.items():
            if not isinstance(server, StdioServerConfig) and isinstance(server.auth, UserAuth):
                path = ("mcpServers", name, "auth")
                self.warnings.append(self.sources[name].problem(path, message, _PUBLIC_URL))

    def _without_file(self) -> Config:
        report = Report(Source("(no file)", lambda _: None))
        storage = build_storage(StorageDocument(), Path.cwd(), self.variables, report)
        policies, _ = load_policies([])
        return Config(
            path=None,
            listen=Listen(self.host) if self.host else Listen(),
            providers={},
            models={},
            servers=(),
            keys=(),
            policies=policies,
            limits=build_limits(ConfigDocument()),
            storage=storage,
        )

    def _own_file(self, path: Path) -> Config | None:
        folder = path.parent
        self.variables, errors, warnings = read_beside(folder, self.variables)
        self.errors += errors
        self.warnings += warnings
        read = self._read(path, hint=f"{INIT} to make one, or name another with --config")
        if read is None:
            return None
        tree, report = read
        tree = Interpolation(self.variables, folder, report).expand(_without_blanks(tree))
        take_foreign_fields(tree, report)
        document = validate(ConfigDocument, tree, report, is_foreign=False)
        if document.version is None:
            report.error(("version",), "is missing", "begin the file with `version: 1`")
        config = self._build(path, document, report)
        self._take(report)
        return config

    def _build(self, path: Path, document: ConfigDocument, report: Report) -> Config:
        """The configuration without servers, which are gathered from all files."""
        folder = path.parent.absolute()
        listen = build_listen(document.listen, self.host, report)
        policies, names = self._policies(document, path.parent, report)
        providers = build_providers(document, folder, report)
        models = build_models(document, report)
        keys = build_keys(document, names, listen, report)
        mcp_endpoint = build_mcp_endpoint(document.mcp_endpoint, report)
        issuers = build_issuers(document, folder, mcp_endpoint.public_url, report)
        storage = build_storage(document.storage, folder, self.variables, report)
        lock, problems = load_lock(folder, required=document.lock == "required")
        self.errors += problems
        self._add_servers(document, folder, report)
        token = document.operator_token
        return Config(
            path=path,
            listen=listen,
            providers=providers,
            models=models,
            servers=(),
            keys=keys,
            policies=policies,
            limits=build_limits(document),
            storage=storage,
            routing=build_routing(document, report),
            lock=lock,
            mcp_endpoint=mcp_endpoint,
            issuers=issuers,
            provider_tools=document.provider_tools,
            passthrough_provider=document.passthrough.provider or "",
            operator_token=None if token is None else token.strip(),
            main_source=report.source,
        )

    def _policies(
        self, document: ConfigDocument, folder: Path, report: Report
    ) -> tuple[PolicySet, Sequence[str] | None]:
        """The policies, and their names; None for the names when some may be missing because of a mistake."""
        files: list[PolicyFile] = []
        for index, written in enumerate(document.policy_files):
            path = folder / written
            try:
                text = read_text(path, longest=LARGEST_FILE).text
            except FileFault as fault:
                where = f"{path}:{fault.line}" if fault.line else str(path)
                hint = fault.hint or "the path is taken from the folder of this file"
                report.error(("policy_files", index), f"{where}: {fault.message}", hint)
                continue
            if any(file.name == str(path) for file in files):
                report.error(("policy_files", index), "this file is named twice", "remove one of them")
                continue
            files.append(PolicyFile(str(path), text))
        policies, findings = load_policies(files)
        for found in findings:
            problem = Problem(found.file, found.message, found.line, found.field, found.hint)
            (self.errors if found.severity == "error" else self.warnings).append(problem)
        is_whole = not report.is_wrong(("policy_files",)) and all(found.severity != "error" for found in findings)
        return policies, policies.names if is_whole else None

    def _client_file(self, path: Path) -> None:
        read = self._read(path, hint=None, is_json=path.suffix not in (".yaml", ".yml"))
        if read is None:
            return
        tree, report = read
        spelling = next((key for key in ("mcpServers", "servers") if isinstance(tree.get(key), dict)), None)
        if spelling is None:
            message = "there are no MCP servers in this file"
            self.errors.append(Problem(str(path), message, hint="they stand beneath mcpServers, or servers"))
            return
        report = Report(Source(str(path), report.source.line_of, {"mcpServers": spelling}))
        expanded = Interpolation(self.variables, None, report).expand(tree[spelling], ("mcpServers",))
        tree = {"mcpServers": expanded}
        take_foreign_fields(tree, report)
        document = validate(ServersDocument, tree, report, is_foreign=True)
        self._add_servers(document, path.parent.absolute(), report)
        self._take(report)

    def _add_servers(self, document: ServersDocument, folder: Path, report: Report) -> None:
        for server in build_servers(document, folder, report):
            other = self.sources.get(server.name)
            if other is not None:
                line = other.line(("mcpServers", server.name))
                hint = f"rename one of them; the other is in {other.file}{f', line {line}' if line else ''}"
                report.error(("mcpServers", server.name), "another server has this name", hint)
            self.servers.setdefault(server.name, server)
            self.sources.setdefault(server.name, report.source)

    def _take(self, report: Report) -> None:
        self.errors += report.errors
        self.warnings += report.warnings

    def _read(
        self, path: Path, *, hint: str | None, is_json: bool | None = None
    ) -> tuple[dict[str, Any], Report] | None:
        """The mapping in a file, and a report on it; None when there is none, which is noted."""
        self.files.append(str(path))
        is_json = path.suffix == ".json" if is_json is None else is_json
        try:
            text = read_text(path, longest=LARGEST_FILE).text
            found = load_json(text) if is_json else load_yaml(text)
        except FileFault as fault:
            hint = hint if isinstance(fault, FileMissing) else fault.hint
            self.errors.append(Problem(str(path), fault.message, fault.line, hint=hint))
            return None
        except YamlProblem as problem:
            self.errors.append(Problem(str(path), problem.message, problem.line, hint=problem.hint))
            return None
        except JsonProblem as problem:
            self.errors.append(Problem(str(path), problem.message, problem.line))
            return None
        value: Any = {} if found.value is None else found.value
        if not isinstance(value, dict):
            message = "the file must hold a mapping of settings"
            self.errors.append(Problem(str(path), message, found.line_of(()), hint="write `name: value` lines"))
            return None
        return cast("dict[str, Any]", value), Report(Source(str(path), found.line_of))

    def _in_order(self, problems: Sequence[Problem]) -> list[Problem]:
        """By file, those that were named first, then by line."""
        files = dict.fromkeys([*self.files, *(problem.file for problem in problems)])
        order = {file: index for index, file in enumerate(files)}
        return sorted(problems, key=lambda problem: (order[problem.file], problem.line or 0))


def _without_blanks(tree: dict[str, Any]) -> dict[str, Any]:
    """A section with nothing beneath it is as good as none; neither is a provider that needs no settings."""
    kept = {name: value for name, value in tree.items() if value is not None}
    providers = kept.get("providers")
    if isinstance(providers, dict):
        entries = cast("dict[str, Any]", providers).items()
        kept["providers"] = {name: {} if provider is None else provider for name, provider in entries}
    return kept
