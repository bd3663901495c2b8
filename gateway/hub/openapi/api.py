"""A whole document as an API: its operations by the names of their tools, and those that cannot be offered.

Above: `peer`, `toolgate check` and `doctor`. Below: `document` and `operations`. Refuses to know: requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.hub.openapi.base import Base, base_of
from gateway.hub.openapi.document import DocumentFault, Node, read_document
from gateway.hub.openapi.operations import METHODS, Operation, read_operation, tool_name
from gateway.hub.openapi.parameters import Given
from gateway.hub.openapi.security import CredentialsFault, Held, placed_names, unknown_schemes
from gateway.hub.openapi.selection import Selection

_MOST_OPERATIONS = 2000
_NARROW_IT = "name those that are wanted: operations: {include: [...]}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that cannot be offered, by the name that its tool would have, and why."""

    name: str
    fault: DocumentFault


@dataclass(frozen=True, slots=True)
class Api:
    """The operations of a document on offer. `unused` are patterns that fitted none, and `unknown` credentials for
    security schemes that there are not.
    """

    base: Base
    operations: Mapping[str, Operation] = field(repr=False)
    left_out: tuple[LeftOut, ...] = ()
    unused: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def read_api(
    path: Path,
    *,
    url: str | None = None,
    held: Held = Held(),  # noqa: B008 - it is immutable
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Api:
    """The API of the document in a file. `held` says which credentials the operator has for it.

    Blocking, for seconds where the document is large. Raises DocumentFault for what is wrong with all of it.
    """
    root = read_document(path)
    base = base_of(url, root)
    listed = list(_operations(root))
    held = replace(held, query=held.query | base.query_names, says_nothing=not _wants_anything(root, listed))
    given = _given(root, held)
    base = replace(base, cookie_names=given.cookies, key_names=given.query)
    selection = Selection(include, exclude)
    operations: dict[str, Operation] = {}
    left_out: list[LeftOut] = []
    for found in listed:
        if isinstance(found, LeftOut):
            left_out.append(found)
            continue
        if not selection.admits(found.method, found.path, found.names):
            continue
        try:
            if found.name in operations:
                raise found.node.fault(f"another operation's tool has the name {found.name}, too")
            operations[found.name] = read_operation(
                found.path_item, found.node, found.method, found.path, given, held
            )
        except DocumentFault as fault:
            left_out.append(LeftOut(found.name, fault))
        if len(operations) + len(left_out) > _MOST_OPERATIONS:
            raise root.fault(f"there are more than {_MOST_OPERATIONS} operations", _NARROW_IT)
    _check_credentials(operations, left_out)
    return Api(base, operations, tuple(left_out), tuple(selection.unused()), unknown_schemes(root, held))


def _wants_anything(root: Node, listed: Sequence[_Found | LeftOut]) -> bool:
    nodes = [root, *(found.node for found in listed if isinstance(found, _Found))]
    return any("security" in node.members() for node in nodes)


def _given(root: Node, held: Held) -> Given:
    """What no argument may say, because the operator does."""
    placed = list(placed_names(root, held))
    return Given(
        held.headers | {name for place, name in placed if place == "header"},
        held.query | {name for place, name in placed if place == "query"},
        held.cookies | {name for place, name in placed if place == "cookie"},
    )


def _check_credentials(operations: Mapping[str, Operation], left_out: Sequence[LeftOut]) -> None:
    """Raises the reason where a lack of credentials leaves nothing: once is enough."""
    lacking = [one.fault for one in left_out if isinstance(one.fault, CredentialsFault)]
    if lacking and len(lacking) == len(left_out) and not operations:
        raise lacking[0]


@dataclass(frozen=True, slots=True)
class _Found:
    """An operation where it stands. `method` is in capitals."""

    path_item: Node
    node: Node
    method: str
    path: str

    @property
    def name(self) -> str:
        return tool_name(self.node, self.method, self.path)

    @property
    def names(self) -> Sequence[str]:
        return self.name, self.node.text("operationId")


def _operations(root: Node) -> Iterator[_Found | LeftOut]:
    paths = root.get("paths")
    for path, item in paths.object().items() if paths else ():
        if path.startswith("x-"):
            continue
        try:
            path_item = item.resolved()
        except DocumentFault as fault:
            yield LeftOut(path, fault)
            continue
        for method in METHODS:
            if node := path_item.get(method):
                yield _Found(path_item, node, method.upper(), path)
