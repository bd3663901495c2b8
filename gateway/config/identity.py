"""What types cannot say about issuers of tokens: that keys exist, and that nobody else can make tokens.

Above: `loading`. Below: documents of the right types. Refuses to know: what is in a set of keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from gateway.config.addresses import travels_in_clear, url_fault
from gateway.config.config import IssuerConfig, KeyRuleConfig, Steps
from gateway.config.files import FileFault, read_text
from gateway.config.identity_documents import IssuerDocument, KeyRuleDocument, PublicAlgorithm
from gateway.config.mcp_documents import ConfigDocument
from gateway.config.near import near
from gateway.config.report import Report

_PUBLIC: frozenset[str] = frozenset(get_args(PublicAlgorithm))
_SECRET_BYTES: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}
"""How long a secret must be at least, by algorithm (RFC 7518, section 3.2)."""
_LARGEST_FILE = 256 * 1024  # bytes
_SOURCES = ("jwks_url", "jwks_file", "secret")
_MAKE_ONE = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(64))"'


def build_issuers(
    document: ConfigDocument, folder: Path, public_url: str | None, report: Report
) -> tuple[IssuerConfig, ...]:
    """The issuers; paths begin at `folder`."""
    seen: dict[str, str] = {}
    for name, issuer in document.identity.issuers.items():
        other = seen.setdefault(issuer.issuer, name)
        if other != name:
            report.error(
                ("identity", "issuers", name, "issuer"), f"is that of {other} as well", "keep one of them"
            )
    return tuple(
        _issuer(name, issuer, document, folder, public_url, report)
        for name, issuer in document.identity.issuers.items()
    )


def _issuer(
    name: str,
    issuer: IssuerDocument,
    document: ConfigDocument,
    folder: Path,
    public_url: str | None,
    report: Report,
) -> IssuerConfig:
    path = ("identity", "issuers", name)
    for index, rule in enumerate(issuer.keys):
        if rule.key not in document.keys:
            report.error((*path, "keys", index, "key"), "no key has this name", near(rule.key, document.keys))
    _check_source(path, issuer, report)
    _check_sign_in(path, issuer, public_url, report)
    return IssuerConfig(
        name=name,
        issuer=issuer.issuer,
        audiences=_audiences(path, issuer, public_url, report),
        algorithms=_algorithms(path, issuer, report),
        jwks_url=issuer.jwks_url,
        jwks=None if issuer.jwks_file is None else _file(path, folder / issuer.jwks_file, report),
        secret=None if issuer.secret is None else issuer.secret.strip(),
        user_claim=issuer.user_claim,
        leeway=issuer.leeway,
        rules=tuple(_rule(rule) for rule in issuer.keys),
        scopes=tuple(dict.fromkeys(issuer.scopes)),
        mcp_sign_in=issuer.mcp_sign_in,
    )


def _rule(rule: KeyRuleDocument) -> KeyRuleConfig:
    return KeyRuleConfig(rule.key, tuple((name, tuple(values)) for name, values in rule.when.items()))


def _audiences(path: Steps, issuer: IssuerDocument, public_url: str | None, report: Report) -> frozenset[str]:
    if issuer.audience is not None:
        return frozenset(issuer.audience)
    if public_url is None:
        message = "is missing: without it, tokens for anybody would be good here"
        report.error(
            (*path, "audience"), message, "write what its tokens have as `aud`, or set mcp_endpoint.public_url"
        )
        return frozenset()
    return frozenset({public_url, f"{public_url}/"})


def _check_source(path: Steps, issuer: IssuerDocument, report: Report) -> None:
    given = [name for name in _SOURCES if getattr(issuer, name) is not None]
    for name in given[1:]:
        report.error((*path, name), f"{given[0]} gives keys as well", "keep one of them")
    place, url = ("issuer", issuer.issuer) if not given else ("jwks_url", issuer.jwks_url)
    if url is None:
        return
    if fault := url_fault(url):
        message, hint = fault
        report.error((*path, place), message, hint if given else "or say where its keys are: jwks_url: ...")
    elif travels_in_clear(url):
        report.error((*path, place), "its keys would come unencrypted, and could be anybody's", "use https")


def _check_sign_in(path: Steps, issuer: IssuerDocument, public_url: str | None, report: Report) -> None:
    if not issuer.mcp_sign_in:
        return
    where = (*path, "mcp_sign_in")
    if url_fault(issuer.issuer):
        report.error(where, "clients could not reach an issuer whose name is no URL", "write its URL as issuer")
    elif not issuer.keys:
        report.error(where, "no token of this issuer acts as a key", "write keys: [{key: ...}]")
    elif public_url is None:
        report.error(where, "clients must know for which address to ask for tokens", "set mcp_endpoint.public_url")


def _algorithms(path: Steps, issuer: IssuerDocument, report: Report) -> frozenset[str]:
    """Those that fit its keys: a public key that could be taken for a secret would let everybody sign."""
    fitting = _PUBLIC if issuer.secret is None else frozenset(_SECRET_BYTES)
    wanted: Sequence[str] = issuer.algorithms or (sorted(_PUBLIC) if issuer.secret is None else ["HS256"])
    for index, one in enumerate(wanted):
        if one not in fitting:
            what = "is for a secret" if issuer.secret is None else "is for public keys"
            report.error((*path, "algorithms", index), f"{what}, which this issuer does not have", "remove it")
        elif issuer.secret is not None and len(issuer.secret.strip().encode()) < _SECRET_BYTES[one]:
            message = f"is shorter than the {_SECRET_BYTES[one]} bytes that {one} needs, and could be guessed"
            report.error((*path, "secret"), message, _MAKE_ONE)
    return frozenset(wanted)


def _file(path: Steps, file: Path, report: Report) -> bytes | None:
    try:
        return read_text(file, longest=_LARGEST_FILE).text.encode()
    except FileFault as fault:
        hint = fault.hint or "the path is taken from the folder of the gateway's file"
        report.error((*path, "jwks_file"), f"{file}: {fault.message}", hint)
        return None
