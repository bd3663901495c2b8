"""Where an API is: the operator's URL, or the first of the servers that its document names.

Above: `api`. Below: `document`. Refuses to know: operations. No message quotes the operator's URL, which may hold
a credential in its query.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from gateway.config.addresses import url_fault
from gateway.errors import Problem
from gateway.hub.openapi.document import DocumentFault, Node

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_SHOULD_BE_GIVEN = "give the server a url, such as url: https://api.example.com/v1"


@dataclass(frozen=True, slots=True)
class Base:
    """What stands before the path of each operation, without a slash at its end; and what goes into each query.

    `cookie_names` are those of the operator's cookies, `key_names` those of his credentials in the query.
    """

    prefix: str
    query: str = field(default="", repr=False)
    cookie_names: frozenset[str] = frozenset()
    key_names: frozenset[str] = frozenset()

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """The names and values that every query has; each may be a credential."""
        return tuple(parse_qsl(self.query, keep_blank_values=True))

    @property
    def query_names(self) -> frozenset[str]:
        """The names of all that the operator has in queries."""
        return self.key_names | {name for name, _ in self.parameters}


def base_of(url: str | None, root: Node) -> Base:
    """The base of an API: `url` where the operator gives one. Raises DocumentFault."""
    given = server_url(root) if url is None else url
    if given is None:
        raise root.fault("the document does not say where the API is", _SHOULD_BE_GIVEN)
    if fault := url_fault(given):
        what = "the URL of the first server" if url is None else "the url of this server"
        where = "#/servers/0/url" if url is None else None
        raise DocumentFault(Problem(root.file, f"{what} {fault[0]}", field=where, hint=_SHOULD_BE_GIVEN))
    parts = urlsplit(given)
    return Base(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.query)


def server_url(owner: Node) -> str | None:
    """The URL of the first of the servers that a document, path or operation names, its variables filled in.

    None where it names none. Raises DocumentFault.
    """
    servers = owner.get("servers")
    first = next(servers.elements(), None) if servers else None
    if first is None:
        return None
    url = first.object().required("url")
    if not isinstance(url.value, str):
        raise url.fault("the URL of a server must be a string")
    return _VARIABLE.sub(lambda match: _default(first, match[1]), url.value)


def _default(server: Node, name: str) -> str:
    variables = server.get("variables")
    variable = variables.get(name) if variables else None
    value = variable.members().get("default") if variable else None
    if not isinstance(value, str):
        raise server.fault("a variable of this URL has no default", _SHOULD_BE_GIVEN)
    return value
