"""Which server a URI means, where the resources of several stand side by side.

A resource keeps the URI that its server gave it, unless two servers that the key sees give the same one: then
each is known by an address of ours, `toolgate://SERVER/` and the URI, percent-encoded. That form is understood for
every resource, and no server can give out one itself: its own would be encoded, too. A URI that nobody lists is
some server's all the same if a template of it fits, or if no other server with resources could mean it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from gateway.hub import CatalogueResource, CatalogueTemplate

_SCHEME = "toolgate://"
_LONGEST = 4096  # characters of a URI


@dataclass(frozen=True, slots=True)
class Place:
    """A URI as its server knows it."""

    server: str
    uri: str


class ResourcesSeen:
    """The resources of some servers, those in `servers`, as one key sees them."""

    def __init__(
        self,
        servers: Iterable[str],
        resources: Sequence[CatalogueResource],
        templates: Sequence[CatalogueTemplate],
    ) -> None:
        self.servers = tuple(sorted(servers))
        self.resources = tuple(one for one in resources if one.server in self.servers)
        self.templates = tuple(one for one in templates if one.server in self.servers)
        self._uses = Counter(one.uri for one in self.resources)
        self._template_uses = Counter(one.uri_template for one in self.templates)
        self._places = {self.uri_of(one): Place(one.server, one.uri) for one in self.resources}

    def uri_of(self, resource: CatalogueResource) -> str:
        """The URI of a resource here."""
        uri = resource.uri
        return uri if self._uses[uri] == 1 and not uri.startswith(_SCHEME) else address(resource.server, uri)

    def template_of(self, template: CatalogueTemplate) -> str:
        """The template of URIs here; what stands in braces is left for clients to fill in."""
        uri = template.uri_template
        is_clear = self._template_uses[uri] == 1 and not uri.startswith(_SCHEME)
        return uri if is_clear else address(template.server, uri, safe="{}+*,")

    def find(self, uri: str) -> Place | None:
        """Where a URI leads; None where nobody can say."""
        if len(uri) > _LONGEST:
            return None
        if place := self._places.get(uri):
            return place
        if uri.startswith(_SCHEME):
            return self._addressed(uri)
        return self._fitting(uri) or self._only(uri)

    def find_template(self, uri: str) -> Place | None:
        """Where a template leads, or a URI in its place."""
        listed = (Place(one.server, one.uri_template) for one in self.templates if self.template_of(one) == uri)
        return next(listed, None) or self.find(uri)

    def _addressed(self, uri: str) -> Place | None:
        server, _, encoded = uri.removeprefix(_SCHEME).partition("/")
        return Place(server, unquote(encoded)) if server in self.servers and encoded else None

    def _fitting(self, uri: str) -> Place | None:
        """By the template that says most about it."""
        fitting = [
            (literals, one.server) for one in self.templates if (literals := _fit(one.uri_template, uri)) > 0
        ]
        return Place(min(fitting, key=lambda fit: (-fit[0], fit[1]))[1], uri) if fitting else None

    def _only(self, uri: str) -> Place | None:
        """Of the servers with resources, the only one; or the only one whose URIs begin in the same way."""
        if len(self.servers) == 1:
            return Place(self.servers[0], uri)
        scheme = uri.partition(":")[0] + ":"
        alike = {one.server for one in self.resources if one.uri.startswith(scheme)}
        alike |= {one.server for one in self.templates if one.uri_template.startswith(scheme)}
        return Place(alike.pop(), uri) if len(alike) == 1 else None


def address(server: str, uri: str, *, safe: str = "") -> str:
    """A URI that names the server, too."""
    return f"{_SCHEME}{server}/{quote(uri, safe=safe)}"


def _fit(template: str, uri: str) -> int:
    """How many characters of a URI a template (RFC 6570) spells out, if it fits; 0 otherwise.

    Its literal parts must stand in the URI in their order; what expressions stand for is the server's to judge.
    """
    literals = _literals(template)
    first, *others = literals
    if not others or not uri.startswith(first) or not uri.endswith(others[-1]):
        return 0
    position, end = len(first), len(uri) - len(others[-1])
    for literal in others[:-1]:
        position = uri.find(literal, position, end)
        if position < 0:
            return 0
        position += len(literal)
    return sum(map(len, literals)) if position <= end else 0


def _literals(template: str) -> list[str]:
    """The parts between expressions; one more than there are expressions."""
    first, *others = template.split("{")
    return [first, *(other.partition("}")[2] for other in others)]


def with_uri(definition: Mapping[str, Any], key: str, uri: str) -> Mapping[str, Any]:
    """An entry of a list as the server sent it, under our URI."""
    return definition if definition.get(key) == uri else {**definition, key: uri}
