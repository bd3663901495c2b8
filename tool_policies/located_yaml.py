"""YAML as operators' files need it: a safe subset whose values read as they look and know where they stand.

Scalars follow the core schema of YAML 1.2.2 (section 10.3.2), not YAML 1.1: `on`, `off`, `yes` and `no` are
strings, and so are dates, `12:30`, `1_000` and `0644`. Beyond it, what two readers could take differently is
refused: keys given twice, keys that are not strings, merge keys, tags, several documents, `.nan` and `.inf`.

Above: policy files and the gateway's configuration. Below: PyYAML's parser, of which only the events are used.
Refuses to know: what the files mean. No message quotes a value, since it may be a secret.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import yaml

LARGEST = 1024 * 1024
"""Bytes of UTF-8 that a document may have."""
MOST_NODES = 100_000
"""Keys, values and items that a document may have once its aliases are written out."""
DEEPEST = 64
"""Levels of nesting."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# A leading zero makes it a string: YAML 1.1 would read 0644 as octal, YAML 1.2 as six hundred and forty-four.
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_LONGEST_NUMBER = 64  # characters

_QUOTE_IT = "put it in quotes"


class YamlProblem(ValueError):
    """The text is not a document that we read. `line` counts from 1; `hint` says what to do."""

    def __init__(self, message: str, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message = message
        self.line = line
        self.hint = hint


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a key or an item stands, and what stands in its value."""

    line: int
    inside: dict[str | int, _Place] = field(default_factory=dict["str | int", "_Place"])


@dataclass(frozen=True, slots=True)
class LocatedDocument:
    """A value made of dict, list, str, int, float, bool and None; an empty document is None."""

    value: Any = field(repr=False)
    _root: _Place | None = field(default=None, repr=False)

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line of the key or item at `path`, else of its nearest parent; None in an empty document."""
        place = self._root
        if place is None:
            return None
        for step in path:
            inner = place.inside.get(step)
            if inner is None:
                break
            place = inner
        return place.line


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a document may hold."""

    largest: int = LARGEST
    most_nodes: int = MOST_NODES


_OF_OPERATORS_FILES = Bounds()


def load_yaml(
    text: str, bounds: Bounds = _OF_OPERATORS_FILES, *, keys_as_written: bool = False
) -> LocatedDocument:
    """Read the one document in `text`. Raises YamlProblem.

    `keys_as_written` takes `200:` for the string that it would be in JSON.
    """
    _check_size(text, bounds.largest)
    try:
        return _Reader(yaml.parse(text, Loader=_LOADER), bounds.most_nodes, keys_as_written).document()
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error) from None  # its own text quotes the line, which may hold a secret
    except yaml.YAMLError as error:
        hint = "save the file as plain UTF-8 text"
        raise YamlProblem("it holds a character that YAML does not allow", _line_at(text, error), hint) from None


def _check_size(text: str, largest: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise YamlProblem("it is not valid Unicode", line, "save the file as plain UTF-8 text") from None
    if size > largest:
        raise YamlProblem(f"it is {size} bytes, more than {largest}", None, "split it into several files")


@dataclass(frozen=True, slots=True)
class _Node:
    """A value as it was read. `size` and `height` count what its aliases stand for, too."""

    value: Any
    place: _Place
    size: int = 1
    height: int = 1


class _Reader:
    """Builds the value and its places from the parser's events, within the bounds."""

    def __init__(self, events: Iterator[Any], most_nodes: int, keys_as_written: bool) -> None:
        self._events = events
        self._most_nodes = most_nodes
        self._keys_as_written = keys_as_written
        self._anchors: dict[str, _Node] = {}
        self._open: set[str] = set()
        self._count = 0

    def document(self) -> LocatedDocument:
        """The one document; the events after it must end the stream."""
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return LocatedDocument(None)
        root = self._node(next(self._events), 1)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            _refuse("a second document begins here", after, "keep one document per file")
        return LocatedDocument(root.value, root.place)

    def _node(self, event: Any, depth: int) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        self._add(1, depth, event)
        anchor = cast("str | None", event.anchor)
        if anchor is not None:
            self._anchors.pop(anchor, None)
            self._open.add(anchor)
        node = self._built(event, depth)
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = node
        return node

    def _built(self, event: Any, depth: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            return _Node(_scalar(event), _Place(_line(event)))
        if isinstance(event, yaml.SequenceStartEvent):
            _check_tag(event, "seq")
            return self._sequence(event, depth)
        _check_tag(event, "map")
        return self._mapping(event, depth)

    def _alias(self, event: Any, depth: int) -> _Node:
        found = self._anchors.get(event.anchor)
        if event.anchor in self._open:
            _refuse("an alias here refers to what it stands in", event)
        if found is None:
            hint = f"a value that begins with * is read as an alias: {_QUOTE_IT} if it is none"
            _refuse("an alias here refers to an anchor that is not there", event, hint)
        self._add(found.size, depth + found.height - 1, event)
        place = _Place(_line(event), found.place.inside)
        return _Node(copy.deepcopy(found.value), place, found.size, found.height)

    def _sequence(self, start: Any, depth: int) -> _Node:
        items: list[_Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        places: dict[str | int, _Place] = {index: item.place for index, item in enumerate(items)}
        return _container([item.value for item in items], _Place(_line(start), places), items)

    def _mapping(self, start: Any, depth: int) -> _Node:
        values: dict[str, Any] = {}
        places: dict[str | int, _Place] = {}
        nodes: list[_Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, depth + 1)
            if key in values:
                hint = f"it is first given on line {places[key].line}; keep one of them"
                _refuse(f"the key {key[:80]!r} is given twice", event, hint)
            node = self._node(next(self._events), depth + 1)
            values[key] = node.value
            places[key] = _Place(_line(event), node.place.inside)
            nodes.append(node)
        return _container(values, _Place(_line(start), places), nodes)

    def _key(self, event: Any, depth: int) -> str:
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            _refuse("merge keys (<<) are not read", event, "write the merged keys out")
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            _refuse("a key must be a string, not a list or a mapping", event, f"if it is a string, {_QUOTE_IT}")
        key = self._node(event, depth).value
        if self._keys_as_written and isinstance(event, yaml.ScalarEvent):
            key = event.value
        if not isinstance(key, str):
            _refuse(f"a key must be a string, not {_kind(key)}", event, _QUOTE_IT)
        return key

    def _add(self, nodes: int, depth: int, event: Any) -> None:
        self._count += nodes
        if self._count > self._most_nodes:
            _refuse(f"there are more than {self._most_nodes} values, with aliases written out", event)
        if depth > DEEPEST:
            _refuse(f"values are nested deeper than {DEEPEST} levels", event)


def _container(value: Any, place: _Place, inner: Sequence[_Node]) -> _Node:
    keys = len(inner) if isinstance(value, dict) else 0
    size = 1 + keys + sum(node.size for node in inner)
    return _Node(value, place, size, 1 + max((node.height for node in inner), default=0))


def _scalar(event: Any) -> Any:
    text = cast("str", event.value)
    tag = cast("str | None", event.tag)
    if tag is None and event.implicit[0]:
        return _plain(text, event)
    if tag in (None, "!", f"{_TAG}str"):
        return text
    if tag not in _SCALAR_TAGS:
        _refuse_tag(event)
    value = _plain(text, event)
    kind, convert = _SCALAR_TAGS[tag]
    if kind is float and type(value) is int:
        value = convert(value)
    if type(value) is not kind:
        _refuse("a value here is not what its tag says", event, "remove the tag, or mend the value")
    return value


_SCALAR_TAGS: dict[str | None, tuple[type, Any]] = {
    f"{_TAG}int": (int, int),
    f"{_TAG}float": (float, float),
    f"{_TAG}bool": (bool, bool),
    f"{_TAG}null": (type(None), None),
}


def _plain(text: str, event: Any) -> Any:
    """What a scalar without quotes means in the core schema."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        _refuse("infinity and NaN are not numbers here", event, f"if it is a string, {_QUOTE_IT}")
    return _number(text, event)


def _number(text: str, event: Any) -> Any:
    base = next((base for base, form in _INTEGERS if form.fullmatch(text)), None)
    if base is None and not _FLOAT.fullmatch(text):
        return text
    number = float(text) if base is None else None
    if len(text) > _LONGEST_NUMBER or (number is not None and not math.isfinite(number)):
        _refuse("a number here is too large", event, f"if it is a string, {_QUOTE_IT}")
    return int(text.removeprefix("0o"), base) if base is not None else number


_INTEGERS = ((10, _DECIMAL), (8, _OCTAL), (16, _HEXADECIMAL))


def _check_tag(event: Any, kind: str) -> None:
    if event.tag not in (None, f"{_TAG}{kind}"):
        _refuse_tag(event)


def _refuse_tag(event: Any) -> NoReturn:
    _refuse("tags are not read", event, f"a value that begins with ! is read as a tag: {_QUOTE_IT} if it is none")


def _refuse(message: str, event: Any, hint: str | None = None) -> NoReturn:
    raise YamlProblem(message, _line(event), hint)


def _line(event: Any) -> int:
    return cast("int", event.start_mark.line) + 1


def _kind(value: Any) -> str:
    return "null" if value is None else "true or false" if isinstance(value, bool) else "a number"


# What people type, by a part of what the parser then says.
_SYNTAX_HINTS = (
    ("alias", f"a value that begins with * or & must stand in quotes: {_QUOTE_IT}"),
    ("anchor", f"a value that begins with * or & must stand in quotes: {_QUOTE_IT}"),
    ("tag", f"a value that begins with ! must stand in quotes: {_QUOTE_IT}"),
    ("cannot start any token", f"indent with spaces, not tabs; if a value begins with %, @ or `, {_QUOTE_IT}"),
    ("mapping values are not allowed", "check the indentation; a value that holds `: ` must stand in quotes"),
    ("block mapping", "check the indentation, and that each key ends in `:`"),
    ("block collection", "check the indentation, and that each item begins with `- `"),
    ("flow", "check that each [ and { is closed, and that a comma stands between items"),
    ("quoted scalar", "check that each quote is closed"),
    ("simple key", "check the indentation, and that the key ends in `: `"),
)


def _syntax_problem(error: yaml.MarkedYAMLError) -> YamlProblem:
    problem = error.problem or "it cannot be read"
    said = f"{error.context}: {problem}" if error.context else problem
    mark: Any = error.problem_mark or error.context_mark
    line = cast("int", mark.line) + 1 if mark is not None else None
    hint = next((hint for part, hint in _SYNTAX_HINTS if part in said), None)
    return YamlProblem(f"not valid YAML: {said}", line, hint)


def _line_at(text: str, error: yaml.YAMLError) -> int | None:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else None
