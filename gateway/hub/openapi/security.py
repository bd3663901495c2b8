"""What an operation wants of credentials (3.1, "Security Requirement Object"), held against what there is.

Above: `operations`. Below: `document`. Refuses to know: the credentials themselves, of which only the forms are
known here, so that nothing that is made of a document can hold one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.config.addresses import header_fault
from gateway.hub.openapi.document import DocumentFault, Node
from gateway.telemetry.visible import one_line

CredentialForm = Literal["text", "password", "elsewhere"]
"""A key or token; a name with a password; or none, since whoever stands on the way adds it."""
SentIn = Literal["header", "query", "cookie"]

_LONGEST_SHOWN = 60  # characters of a name, in a message
_MOST_ALTERNATIVES = 50
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)


class CredentialsFault(DocumentFault):
    """An operation wants credentials that there are none of."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the operator has: the forms of `credentials` by the schemes' names, and what goes with every request.

    Names of headers are in lower case. With `has_tokens`, tokens are fetched: for what wants them and, with
    `says_nothing`, for all, since the document knows nothing of security.
    """

    credentials: Mapping[str, CredentialForm] = field(default_factory=dict[str, CredentialForm])
    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()
    has_tokens: bool = False
    says_nothing: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the credential for a scheme goes; `bearer` and `basic` are its forms in `Authorization`."""

    scheme: str
    place: SentIn
    name: str
    form: Literal["plain", "bearer", "basic"] = "plain"


@dataclass(frozen=True, slots=True)
class Security:
    """What is sent with the requests of an operation: credentials, and perhaps a token."""

    placed: tuple[Placed, ...] = ()
    with_token: bool = False


NO_SECURITY = Security()


def placed_names(root: Node, held: Held) -> Iterator[tuple[SentIn, str]]:
    """Where in requests the operator's credentials stand, so that no argument may."""
    for name, node in _schemes(root):
        if held.credentials.get(name, "elsewhere") == "elsewhere":
            continue
        scheme = node.resolved()
        if scheme.text("type") == "apiKey":
            placed = _key_place(name, scheme)
            yield placed.place, placed.name.lower() if placed.place == "header" else placed.name


def unknown_schemes(root: Node, held: Held) -> tuple[str, ...]:
    """Of the operator's credentials, those for schemes that the document does not have."""
    known = {name for name, _ in _schemes(root)}
    return tuple(name for name in held.credentials if name not in known)


def read_security(root: Node, operation: Node, held: Held) -> Security:
    """What goes with an operation: the first of its alternatives for which everything is there.

    Raises CredentialsFault where there is none, DocumentFault for what cannot be understood.
    """
    wanted = operation.get("security") or root.get("security")
    if wanted is None:
        return Security(with_token=held.has_tokens and held.says_nothing)
    alternatives = list(wanted.elements())[:_MOST_ALTERNATIVES]
    faults: list[DocumentFault] = []
    for alternative in alternatives:
        try:
            if alternative.object().members():
                return _met(root, alternative, held)
        except DocumentFault as fault:
            faults.append(fault)
    if len(faults) < len(alternatives) or not faults:  # it can be called without any
        return Security()
    raise faults[0]


def _met(root: Node, alternative: Node, held: Held) -> Security:
    placed: list[Placed] = []
    with_token = False
    known = dict(_schemes(root))
    for name, node in alternative.items():
        shown = one_line(name, _LONGEST_SHOWN)
        if name not in known:
            raise node.fault(f"there is no security scheme {shown!r} in components")
        scheme = known[name].resolved()
        form = held.credentials.get(name)
        if form is not None:
            placed += _placed(name, scheme, form)
        elif held.has_tokens and _takes_tokens(scheme):
            with_token = True
        elif not _is_sent_anyway(name, scheme, held):
            what, hint = _lacking(name, scheme)
            fault = node.fault(f"it wants {what} (security scheme {shown!r}), and there is none", hint)
            raise CredentialsFault(fault.problem)
    return Security(tuple(placed), with_token)


def _schemes(root: Node) -> Iterator[tuple[str, Node]]:
    components = root.get("components")
    schemes = components.get("securitySchemes") if components else None
    yield from schemes.items() if schemes else ()


def _placed(name: str, scheme: Node, form: CredentialForm) -> list[Placed]:
    """Where a credential of this form goes. Raises CredentialsFault for a form that does not fit."""
    if form == "elsewhere":
        return []
    kind, http = scheme.text("type"), scheme.text("scheme").lower()
    is_basic = kind == "http" and http == "basic"
    if is_basic != (form == "password"):
        wanted = "a username and a password" if is_basic else "a text"
        problem = scheme.fault(f"the credential for it must be {wanted}", _lacking(name, scheme)[1]).problem
        raise CredentialsFault(problem)
    if is_basic:
        return [Placed(name, "header", "authorization", "basic")]
    if kind == "apiKey":
        return [_key_place(name, scheme)]
    if kind in ("oauth2", "openIdConnect") or (kind == "http" and http == "bearer"):
        return [Placed(name, "header", "authorization", "bearer")]
    what, hint = _lacking(name, scheme)
    raise scheme.fault(f"{what} cannot be sent", hint)


def _key_place(name: str, scheme: Node) -> Placed:
    parameter, written = scheme.text("name"), scheme.text("in")
    place: SentIn | None = next((one for one in ("header", "query", "cookie") if one == written), None)
    if not parameter or place is None:
        raise scheme.fault("an apiKey needs a name, and is in a header, the query or a cookie")
    if place == "header" and (fault := header_fault(parameter, "")):
        raise scheme.fault(f"the header of this apiKey cannot be sent: {fault}")
    if place == "cookie" and _COOKIE_NAME.fullmatch(parameter) is None:
        raise scheme.fault("HTTP allows no cookie with the name of this apiKey")
    return Placed(name, place, parameter)


def _takes_tokens(scheme: Node) -> bool:
    kind = scheme.text("type")
    return kind in ("oauth2", "openIdConnect") or (kind == "http" and scheme.text("scheme").lower() == "bearer")


def _is_sent_anyway(name: str, scheme: Node, held: Held) -> bool:
    """Whether the operator sends it with every request."""
    if scheme.text("type") != "apiKey":
        return "authorization" in held.headers and scheme.text("type") != "mutualTLS"
    placed = _key_place(name, scheme)
    if placed.place == "header":
        return placed.name.lower() in held.headers
    return placed.name in (held.query if placed.place == "query" else held.cookies)


def _lacking(name: str, scheme: Node) -> tuple[str, str]:
    """What a scheme wants, and how it is given."""
    shown = one_line(name, _LONGEST_SHOWN)
    kind, http = scheme.text("type"), scheme.text("scheme").lower()
    text = f'credentials: {{{shown}: "${{VARIABLE}}"}}'
    if kind == "apiKey":
        return "an API key", text
    if kind == "http" and http == "basic":
        return (
            "a name and a password",
            f'credentials: {{{shown}: {{username: ..., password: "${{VARIABLE}}"}}}}',
        )
    if kind == "http" and http == "bearer":
        return "a token", f"{text}, or auth"
    if kind == "oauth2":
        return "a token of OAuth", _oauth_hint(scheme)
    if kind == "openIdConnect":
        return "a token of OpenID Connect", "auth: {type: oauth, issuer: ...}, or client_credentials"
    what = one_line(f"{kind} {http}".strip() or "nothing", _LONGEST_SHOWN)
    return (
        f"credentials of a kind that is not supported ({what})",
        f"credentials: {{{shown}: false}}, {_ELSEWHERE}",
    )


_ELSEWHERE = "where something on the way adds them"


def _oauth_hint(scheme: Node) -> str:
    flows = scheme.get("flows")
    own = flows.get("clientCredentials") if flows else None
    if own is not None:
        url = one_line(own.text("tokenUrl"), 200)
        return f"auth: {{type: client_credentials, client_id: ..., client_secret: ..., token_url: {url}}}"
    if flows is not None and flows.get("authorizationCode") is not None:
        return "auth: {type: oauth}, with the issuer that users sign in at"
    return "its flows are not used: give a token, credentials: {...}, or auth"
