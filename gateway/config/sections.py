"""What types cannot say about providers, keys and the rest: that names exist and secrets are some.

Above: `loading`. Below: documents of the right types. Refuses to know: MCP servers (`servers`), files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.config.addresses import header_fault, is_host, is_loopback, proxy_fault, travels_in_clear, url_fault
from gateway.config.config import (
    Config,
    KeyConfig,
    LimitsConfig,
    Listen,
    ProviderConfig,
    ProviderTimeouts,
    Steps,
    StorageConfig,
    dotted,
)
from gateway.config.documents import KeyDocument, ListenDocument, ProviderDocument, StorageDocument
from gateway.config.mcp_documents import ConfigDocument
from gateway.config.near import near
from gateway.config.provider_auth import build_auth
from gateway.config.report import Report
from gateway.config.routing import ConcurrencyConfig
from gateway.errors import Problem
from sandbox.locations import default_cache_dir, default_state_dir
from tool_policies import InvalidPattern, parse_pattern

SHORTEST_SECRET = 16
"""Characters."""
INIT = "run `toolgate init`"

_MAKE_ONE = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


def build_listen(document: ListenDocument, host: str | None, report: Report) -> Listen:
    """Where to listen; `host` takes the place of the document's."""
    if not is_host(document.host):
        report.error(("listen", "host"), "must be an IP address or a host name", "write 127.0.0.1, for example")
    return Listen(host or document.host, document.port)


def build_providers(document: ConfigDocument, folder: Path, report: Report) -> dict[str, ProviderConfig]:
    """The providers by name; paths begin at `folder`."""
    for name, provider in document.providers.items():
        _check_provider(("providers", name), provider, report)
    return {name: _provider(name, provider, folder, report) for name, provider in document.providers.items()}


def _provider(name: str, document: ProviderDocument, folder: Path, report: Report) -> ProviderConfig:
    timeout = document.timeout
    return ProviderConfig(
        name=name,
        kind=document.kind,
        dialects=tuple(document.dialect or ()),
        base_url=document.base_url,
        api_key=document.api_key,
        headers=document.headers,
        quirks=None if document.quirks is None else tuple(document.quirks),
        timeouts=ProviderTimeouts(timeout.connect, timeout.first_byte, timeout.idle),
        api_keys=tuple(document.api_keys),
        concurrency=_concurrency(document),
        auth=build_auth(("providers", name, "auth"), document.auth, folder, report),
        env=document.env,
        proxy=document.proxy,
        ca_certificates=document.ca_certificates,
    )


def _concurrency(document: ProviderDocument) -> ConcurrencyConfig | None:
    if document.max_concurrency is None:
        return None
    return ConcurrencyConfig(document.max_concurrency, document.queue.most, document.queue.wait)


def _check_provider(path: Steps, provider: ProviderDocument, report: Report) -> None:
    if provider.api_key is not None:
        _check_credential((*path, "api_key"), provider.api_key, report)
        if provider.auth is not None:
            report.error((*path, "auth"), "api_key gives credentials as well", "keep one of them")
    _check_api_keys(path, provider, report)
    if provider.max_concurrency is None and "queue" in provider.model_fields_set:
        report.error((*path, "queue"), "nobody waits without max_concurrency", "set max_concurrency as well")
    check_headers((*path, "headers"), provider.headers, report)
    if provider.env and "litellm" not in (provider.kind, path[-1]):
        report.error((*path, "env"), "is for providers that are reached through LiteLLM", "set `kind: litellm`")
    if provider.proxy is not None and (fault := proxy_fault(provider.proxy)):
        report.error((*path, "proxy"), *fault)
    if provider.base_url is None:
        return
    if fault := url_fault(provider.base_url):
        report.error((*path, "base_url"), *fault)
    elif travels_in_clear(provider.base_url) and (
        provider.api_key or provider.api_keys or provider.headers or provider.auth
    ):
        report.warn((*path, "base_url"), "credentials for this provider travel unencrypted", "use https")


def _check_api_keys(path: Steps, provider: ProviderDocument, report: Report) -> None:
    for index, key in enumerate(provider.api_keys):
        _check_credential((*path, "api_keys", index), key, report)
        if key in provider.api_keys[:index]:
            report.error((*path, "api_keys", index), "is the same as one before it", "remove it")
    others = [name for name in ("api_key", "auth") if getattr(provider, name) is not None]
    if provider.api_keys and others:
        report.error((*path, "api_keys"), f"{others[0]} gives credentials as well", "keep one of them")


def _check_credential(path: Steps, value: str, report: Report) -> None:
    if not value.strip():
        report.error(path, "is empty", "set the variable that it is taken from, or remove the setting")
    elif not value.isascii() or any(character < " " or character == "\x7f" for character in value.strip()):
        report.error(path, "holds characters that a credential cannot have, such as a line end")


def check_headers(path: Steps, headers: Mapping[str, str], report: Report) -> None:
    """Report each header that cannot be sent."""
    for name, value in headers.items():
        if fault := header_fault(name, value):
            report.error((*path, name), fault)


def build_keys(
    document: ConfigDocument, policies: Collection[str] | None, listen: Listen, report: Report
) -> tuple[KeyConfig, ...]:
    """The keys. `policies` are the names that exist, None when that could not be found out."""
    is_exposed = not is_loopback(listen.host)
    if not document.keys:
        message = "there is no key, so nobody could use this gateway"
        if is_exposed:
            message = "the gateway would listen beyond this machine, and there is no key"
        report.error(("keys",), message, f"{INIT}, or write keys: {{agent-1: {{secret: ...}}}}")
    for name, key in document.keys.items():
        for index, policy in enumerate(key.policies):
            if policies is not None and policy not in policies:
                path = ("keys", name, "policies", index)
                report.error(
                    path,
                    "no policy has this name",
                    near(policy, policies, first="; name the files that have some in `policy_files`"),
                )
        _check_pins(("keys", name, "pin"), key, report)
        if key.passthrough and _has_budget(document):
            message = "limits.usd bounds what is spent, and what these cost cannot be read"
            report.error(("keys", name, "passthrough"), message, "keep one of the two")
        if "files" in key.passthrough and document.passthrough.provider is None:
            message = "it is not said at which provider files are"
            report.error(("keys", name, "passthrough"), message, "name one: passthrough: {provider: openai}")
    place = document.passthrough.provider
    if place is not None and place not in document.providers:
        report.error(("passthrough", "provider"), "no provider has this name", near(place, document.providers))
    _check_secrets(document, report, is_exposed=is_exposed)
    _check_regions(document, report)
    return tuple(
        KeyConfig(
            name,
            key.secret.strip(),
            tuple(key.models),
            tuple(key.policies),
            key.tools,
            key.unknown_tools,
            remember=key.remember,
            team=key.team,
            tags=frozenset(key.tags),
            regions=frozenset(key.regions),
            passthrough=frozenset(key.passthrough),
            selection=key.selection,
            pins=tuple(key.pin),
        )
        for name, key in document.keys.items()
    )


def _check_pins(path: Steps, key: KeyDocument, report: Report) -> None:
    for index, pattern in enumerate(key.pin):
        try:
            parse_pattern(pattern)
        except InvalidPattern as error:
            report.error((*path, index), error.message, error.hint)
    if key.pin and key.selection == "all":
        report.warn(path, "changes nothing: models are shown all tools of this key", "set selection: search")


def _check_regions(document: ConfigDocument, report: Report) -> None:
    """Warn of keys that no deployment may serve because of a slip in the name of a region."""
    targets = [target for model in document.models.values() for target in model.deployments]
    known = {target.region for target in targets if target.region}
    for name, key in document.keys.items():
        for index, region in enumerate(key.regions):
            if region not in known:
                hint = near(region, known) if known else "give the deployments in `models` a region"
                report.warn(("keys", name, "regions", index), "no deployment is said to be in this region", hint)


def _has_budget(document: ConfigDocument) -> bool:
    """Whether what keys spend is bounded: such a key cannot have what nobody can count."""
    return document.limits.usd is not None


def _check_secrets(document: ConfigDocument, report: Report, *, is_exposed: bool) -> None:
    secrets: list[tuple[Steps, str]] = [
        (("keys", name, "secret"), key.secret.strip()) for name, key in document.keys.items()
    ]
    if document.operator_token is not None:
        secrets.append((("operator_token",), document.operator_token.strip()))
    owners: dict[str, Steps] = {}
    for path, secret in secrets:
        _check_credential(path, secret, report)
        owner = owners.setdefault(secret, path)
        if owner != path and secret:
            report.error(path, f"is the same as {dotted(owner)}", f"each needs its own; {_MAKE_ONE}")
        elif len(secret) < SHORTEST_SECRET:
            tell = report.error if is_exposed else report.warn
            if secret:
                tell(path, f"is shorter than {SHORTEST_SECRET} characters, and could be guessed", _MAKE_ONE)


def check_provider_tools(config: Config, servers: Collection[str] | None) -> Iterator[Problem]:
    """What is wrong with the tools that run in the place of providers'.

    `servers` are those of all files, None when some may be missing because of a mistake.
    """
    for kind, tool in config.provider_tools.items():
        path = ("provider_tools", kind)
        server, slash, name = tool.partition("/")
        if not server or not slash or not name or "*" in tool:
            yield config.problem(
                path, "must be one tool, as server/tool", f"write {kind}: web/search, for example"
            )
        elif servers is not None and server not in servers:
            yield config.problem(path, f"no tool server is called {server[:64]!r}", near(server, servers))


def build_limits(document: ConfigDocument) -> LimitsConfig:
    """The limits, which their types have checked."""
    return LimitsConfig(**document.limits.model_dump())


def build_storage(
    document: StorageDocument, folder: Path, environ: Mapping[str, str], report: Report
) -> StorageConfig:
    """Where things are kept; relative paths begin at `folder`."""
    state_dir = folder / document.state_dir if document.state_dir else default_state_dir(environ)
    cache_dir = folder / document.cache_dir if document.cache_dir else default_cache_dir(environ)
    for name, written in (("state_dir", document.state_dir), ("cache_dir", document.cache_dir)):
        _check_path(("storage", name), written, report)
    _check_path(("storage", "audit", "jsonl"), document.audit.jsonl, report)
    return StorageConfig(
        state_dir=state_dir,
        cache_dir=cache_dir,
        database=_database(document.database, folder, state_dir, report),
        audit_jsonl=folder / document.audit.jsonl if document.audit.jsonl else None,
        retention_days=document.retention_days,
        memory_days=document.memory.days,
        memory_bytes=document.memory.bytes,
    )


def _database(written: str | None, folder: Path, state_dir: Path, report: Report) -> str:
    _check_path(("storage", "database"), written, report)
    if written is None:
        return _sqlite_url(state_dir / "toolgate.db")
    scheme, separator, _ = written.partition("://")
    if not separator:
        return _sqlite_url(folder / written)
    if scheme.partition("+")[0] not in ("sqlite", "postgresql"):
        hint = "write a path, sqlite:///path, or postgresql+psycopg://host/name"
        report.error(("storage", "database"), "must be SQLite or PostgreSQL", hint)
    return written


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


def _check_path(path: Steps, written: str | None, report: Report) -> None:
    if written is not None and "\0" in written:
        report.error(path, "holds a NUL character")
