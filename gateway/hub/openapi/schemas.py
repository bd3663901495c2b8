"""OpenAPI's schemas as JSON Schema 2020-12 without references, which models and MCP clients take everywhere.

Above: `parameters`, `bodies` and `outputs`. Below: `document`. Refuses to know: what the schemas are for, except
the direction. What is left out only ever loosens: a reference that leads back into itself, and what lies too deep,
becomes `{}`; `oneOf` becomes `anyOf`; and a `not` or `if` in which something was cut goes altogether.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from gateway.hub.openapi.document import Node

Direction = Literal["request", "response"]
Schema = dict[str, Any]

_DEPTHS = (24, 10, 6, 4, 3, 2)  # levels; the deepest with which a schema is small enough
_MOST_NODES = 1500  # schemas within one that is written out
_TYPES = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
_NULL: Schema = {"type": "null"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in cast("list[Any]", value))


def _anything(value: Any) -> bool:
    return True


_PLAIN: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("title", "description", "format", "pattern", "contentEncoding", "contentMediaType"), _is_text
    ),
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf"), _is_number),
    **dict.fromkeys(
        ("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"), _is_count
    ),
    **dict.fromkeys(("uniqueItems", "deprecated"), _is_flag),
    "enum": _is_list,
    "required": _are_texts,
    "const": _anything,
    "default": _anything,
}
"""What is taken as it is where it has the right form; anything else would only break whoever checks with it."""

_ONE = ("items", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_MANY = {"allOf": "allOf", "anyOf": "anyOf", "oneOf": "anyOf", "prefixItems": "prefixItems"}
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_NOT_IN_RESPONSES = frozenset({"pattern", "format", "uniqueItems"})
"""What cannot be checked quickly, or means something else to each who checks it: answers are held to the rest."""
_ANNOTATIONS = frozenset({"title", "description", "default", "deprecated"})


class _TooLarge(Exception):
    """Written out to this depth, the schema is too large."""


def read_schema(node: Node, direction: Direction) -> Schema:
    """The schema at `node`, written out. Raises DocumentFault."""
    for depth in _DEPTHS:
        try:
            return _Reader(direction).read(node, depth, frozenset())
        except _TooLarge:
            continue
    return {}


class _Reader:
    """One attempt. `cuts` counts what had to be left out so far."""

    def __init__(self, direction: Direction) -> None:
        self._hidden = "readOnly" if direction == "request" else "writeOnly"
        self._dropped = _NOT_IN_RESPONSES if direction == "response" else frozenset[str]()
        self._nodes = 0
        self._cuts = 0

    def read(self, node: Node, depth: int, within: frozenset[str]) -> Any:
        """`within` has the references that are being followed."""
        if isinstance(node.value, bool):
            return node.value
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _TooLarge
        node.object()
        if depth == 0:
            return self._cut()
        if "$dynamicRef" in node.members():
            return self._cut()
        if "$ref" in node.members():
            return self._reference(node, depth, within)
        return self._written_out(node, depth, within)

    def _cut(self) -> Schema:
        self._cuts += 1
        return {}

    def _reference(self, node: Node, depth: int, within: frozenset[str]) -> Any:
        target = node.target()
        if target.pointer in within:
            return self._cut()
        found = self.read(target, depth, within | {target.pointer})
        beside = {key: value for key, value in node.members().items() if key != "$ref"}
        if not beside or node.root["openapi"].startswith("3.0"):  # there, what is beside a reference is ignored
            return found
        own = self._written_out(Node(node.file, beside, node.steps, node.root, node.line_of), depth, within)
        if own.keys() <= _ANNOTATIONS and isinstance(found, dict):
            return cast("Schema", found) | own
        return {"allOf": [found, own]}

    def _written_out(self, node: Node, depth: int, within: frozenset[str]) -> Schema:
        members = node.members()
        schema: Schema = {
            key: members[key]
            for key, fits in _PLAIN.items()
            if key in members and key not in self._dropped and fits(members[key])
        }
        self._add_type(node, schema)
        for key in _NAMED:
            if inner := node.get(key):
                schema[key] = self._named(inner.object(), depth, within)
        if "properties" in schema and "required" in schema:
            hidden = node.members()["properties"].keys() - schema["properties"].keys()
            schema["required"] = [name for name in schema["required"] if name not in hidden]
        for key in _ONE:
            if inner := node.get(key):
                self._add_one(schema, key, inner, depth, within)
        for key, written in _MANY.items():
            if inner := node.get(key):
                branches = [self.read(branch, depth - 1, within) for branch in inner.elements()]
                self._add_branches(schema, written, branches)
        return _nullable(_with_bounds(schema, node), node)

    def _add_type(self, node: Node, schema: Schema) -> None:
        kind: Any = node.value.get("type")
        if isinstance(kind, str) and kind in _TYPES:
            schema["type"] = kind
        elif isinstance(kind, list):
            kinds = [one for one in cast("list[Any]", kind) if isinstance(one, str) and one in _TYPES]
            if kinds:
                schema["type"] = kinds

    def _named(self, node: Node, depth: int, within: frozenset[str]) -> Schema:
        return {
            name: self.read(inner, depth - 1, within) for name, inner in node.items() if not self._is_hidden(inner)
        }

    def _is_hidden(self, node: Node) -> bool:
        is_reference = isinstance(node.value, dict) and "$ref" in node.members()
        return (node.resolved() if is_reference else node).flag(self._hidden) is True

    def _add_one(self, schema: Schema, key: str, node: Node, depth: int, within: frozenset[str]) -> None:
        before = self._cuts
        found = self.read(node, depth - 1, within)
        if key in ("not", "if", "then", "else") and self._cuts > before:
            for one in ("if", "then", "else") if key != "not" else ():
                schema.pop(one, None)
            return
        if key not in ("then", "else") or "if" in schema:
            schema[key] = found

    def _add_branches(self, schema: Schema, key: str, branches: list[Any]) -> None:
        if not branches:
            return
        if key in schema:  # `anyOf` beside what was `oneOf`
            schema.setdefault("allOf", [])
            schema["allOf"] = [*schema["allOf"], {key: branches}]
        else:
            schema[key] = branches


def _with_bounds(schema: Schema, node: Node) -> Schema:
    """OpenAPI 3.0 says with true that a bound is exclusive."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if node.flag(exclusive) is True and bound in schema:
            schema[exclusive] = schema.pop(bound)
    return schema


def _nullable(schema: Schema, node: Node) -> Schema:
    """OpenAPI 3.0 says with a flag that null is allowed besides."""
    if node.flag("nullable") is not True:
        return schema
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [schema, _NULL]} if schema else schema
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if any(key in schema for key in ("allOf", "anyOf", "not", "if", "const")):
        return {"anyOf": [schema, _NULL]}
    return schema
