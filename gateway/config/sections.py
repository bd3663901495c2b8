"""What types cannot say about providers, models, keys and the rest: that names exist and secrets are some.

Above: `loading`. Below: documents of the right types. Refuses to know: MCP servers (`servers`), files.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.config.addresses import header_fault, is_host, is_loopback, proxy_fault, travels_in_clear, url_fault
from gateway.config.config import (
    KeyConfig,
    LimitsConfig,
    Listen,
    ModelPrice,
    ModelTarget,
    ProviderConfig,
    ProviderTimeouts,
    Steps,
    StorageConfig,
    dotted,
)
from gateway.config.documents import ListenDocument, PriceDocument, ProviderDocument, StorageDocument
from gateway.config.mcp_documents import ConfigDocument
from gateway.config.provider_auth import build_auth
from gateway.config.report import Report
from sandbox.locations import default_cache_dir, default_state_dir

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
        timeouts=ProviderTimeouts(timeout.connect, timeout.first_byte, timeout.idle),
        auth=build_auth(("providers", name, "auth"), document.auth, folder, report),
        proxy=document.proxy,
        ca_certificates=document.ca_certificates,
    )


def _check_provider(path: Steps, provider: ProviderDocument, report: Report) -> None:
    if provider.api_key is not None:
        _check_credential((*path, "api_key"), provider.api_key, report)
        if provider.auth is not None:
            report.error((*path, "auth"), "api_key gives credentials as well", "keep one of them")
    check_headers((*path, "headers"), provider.headers, report)
    if provider.proxy is not None and (fault := proxy_fault(provider.proxy)):
        report.error((*path, "proxy"), *fault)
    if provider.base_url is None:
        return
    if fault := url_fault(provider.base_url):
        report.error((*path, "base_url"), *fault)
    elif travels_in_clear(provider.base_url) and (provider.api_key or provider.headers or provider.auth):
        report.warn((*path, "base_url"), "credentials for this provider travel unencrypted", "use https")


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


def build_models(document: ConfigDocument, report: Report) -> dict[str, tuple[ModelTarget, ...]]:
    """Aliases and patterns, each with its targets in order."""
    models: dict[str, tuple[ModelTarget, ...]] = {}
    for alias, targets in document.models.items():
        path = ("models", alias)
        if not 0 < len(alias) <= 256 or not alias.isprintable():
            report.error(path, "a model's name has 1 to 256 printable characters", "choose another name")
        for index, target in enumerate(targets):
            place = path if len(targets) == 1 else (*path, index)
            _check_target(place, target.provider, document.providers, report)
        models[alias] = tuple(
            ModelTarget(target.provider, target.model, _price(target.price)) for target in targets
        )
    return models


def _price(given: PriceDocument | str | None) -> ModelPrice | str | None:
    return ModelPrice(**given.model_dump()) if isinstance(given, PriceDocument) else given


def _check_target(path: Steps, name: str, known: Collection[str], report: Report) -> None:
    """Complain of a provider that is not there, unless it is not only because it is wrong itself."""
    if name in known or report.is_wrong(("providers", name)) or (not known and report.is_wrong(("providers",))):
        return
    provider = name.partition("/")[0]
    hint = f"write {{provider: {provider}, model: ...}}" if provider in known else _near(name, known)
    report.error(path, "no provider has this name", hint)


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
                report.error(path, "no policy has this name", _near(policy, policies))
    _check_secrets(document, report, is_exposed=is_exposed)
    return tuple(
        KeyConfig(
            name,
            key.secret.strip(),
            tuple(key.models),
            tuple(key.policies),
            key.tools,
            key.unknown_tools,
            remember=key.remember,
        )
        for name, key in document.keys.items()
    )


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


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {', '.join(list(known)[:20])}" if known else "there are none yet"
