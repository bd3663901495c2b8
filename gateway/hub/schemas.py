"""Makes a tool's input schema fit for model APIs, which take less than JSON Schema 2020-12 allows.

At its root they want an object without combinators; a request with one tool that breaks this is refused whole.
Arguments are still checked against the server's own schema, so cleaning may only ever loosen. One thing is read
into schemas that they do not say: an alternative at the root that does not mention a property does without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import orjson

_DEEPEST = 64  # levels; beyond any real schema and well within Python's recursion limit
_LARGEST = 256 * 1024  # bytes of JSON; a schema goes to the model with every request
_MOST_ALTERNATIVES = 64  # at the root; folding them multiplies their number with what each holds
_COMBINATORS = ("allOf", "anyOf", "oneOf")
_REFUSED_AT_ROOT = (*_COMBINATORS, "not", "enum", "const", "if", "then", "else", "unevaluatedProperties")
_DROPPED = frozenset({"$schema", "x-mcp-header"})

# Where a keyword's value is itself a schema, a list of schemas, or schemas by name. What is not named here is
# data (`default`, `enum`, `examples`) and is not looked into.
_ONE_SCHEMA = frozenset(
    {
        "items",
        "contains",
        "additionalProperties",
        "additionalItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "contentSchema",
    }
)
_MANY_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})

Schema = dict[str, Any]


class UnusableSchema(ValueError):
    """The schema cannot be offered to a model; the message says why."""


def clean_input_schema(schema: Any) -> Schema:
    """A copy of a tool's `inputSchema` whose root is an object with `properties`. Raises UnusableSchema.

    Drops `$schema` and `x-mcp-header`, folds combinators at the root into plain properties, and refuses
    schemas that are too deep, too large, or refer to documents elsewhere.
    """
    if not isinstance(schema, Mapping):
        raise UnusableSchema("inputSchema is not an object")
    given = cast("Mapping[str, Any]", schema)
    kind: Any = given.get("type", "object")
    kinds = cast("list[Any]", kind) if isinstance(kind, list) else [kind]
    if "object" not in kinds:
        raise UnusableSchema(f"inputSchema describes {str(kinds)[1:-1][:80]}, not an object")
    with suppress(TypeError):  # too deep: said better below
        _check_size(given)  # before any work is put into it
    cleaned = _object_root(_clean(given, _DEEPEST))
    try:
        _check_size(cleaned)  # folding may have enlarged it
    except TypeError as error:
        raise UnusableSchema(f"inputSchema cannot be written as JSON: {error}") from error
    return cleaned


def _check_size(schema: Mapping[str, Any]) -> None:
    size = len(orjson.dumps(schema))
    if size > _LARGEST:
        raise UnusableSchema(f"inputSchema is {size} bytes, more than {_LARGEST}")


def _clean(schema: Mapping[str, Any], levels: int) -> Schema:
    if levels == 0:
        raise UnusableSchema(f"inputSchema is nested deeper than {_DEEPEST} levels")
    reference: Any = schema.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        raise UnusableSchema("inputSchema refers to a schema elsewhere, which this gateway does not fetch")
    return {key: _clean_keyword(key, value, levels - 1) for key, value in schema.items() if key not in _DROPPED}


def _clean_keyword(key: str, value: Any, levels: int) -> Any:
    if isinstance(value, dict) and key in _NAMED_SCHEMAS:
        return {name: _clean_if_schema(inner, levels) for name, inner in cast("Schema", value).items()}
    if key in _ONE_SCHEMA and not isinstance(value, list):
        return _clean_if_schema(value, levels)
    if key in _MANY_SCHEMAS and isinstance(value, list):
        return [_clean_if_schema(inner, levels) for inner in cast("list[Any]", value)]
    return cast("Any", value)


def _clean_if_schema(value: Any, levels: int) -> Any:
    return _clean(cast("Schema", value), levels) if isinstance(value, dict) else value


def _object_root(schema: Schema) -> Schema:
    """The root as an object with properties; those of combinators at the root become optional ones of it."""
    root = {**_resolved(schema, schema), **{key: schema[key] for key in ("$defs", "definitions") if key in schema}}
    required = list(_strings(root.get("required")))
    alternatives: dict[str, list[Any]] = {}
    for keyword in _COMBINATORS:
        for branch in _alternatives(root, keyword):
            resolved = _resolved(_mapping(branch), schema)
            for name, inner in _mapping(resolved.get("properties")).items():
                known = alternatives.setdefault(name, [])
                known.extend([inner] if inner not in known else [])
            if keyword == "allOf":
                required.extend(_strings(resolved.get("required")))
    properties = {name: _any_of(schemas) for name, schemas in alternatives.items()}
    properties |= _mapping(root.get("properties"))
    root = {key: value for key, value in root.items() if key not in _REFUSED_AT_ROOT and key != "required"}
    root |= {"type": "object", "properties": properties}
    wanted = [name for name in dict.fromkeys(required) if name in properties]
    return root | {"required": wanted} if wanted else root


def _alternatives(root: Schema, keyword: str) -> list[Any]:
    found: Any = root.get(keyword)
    branches = cast("list[Any]", found) if isinstance(found, list) else []
    if len(branches) > _MOST_ALTERNATIVES:
        raise UnusableSchema(
            f"inputSchema has more than {_MOST_ALTERNATIVES} alternatives in {keyword} at its root"
        )
    return branches


def _any_of(schemas: list[Any]) -> Any:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _resolved(schema: Schema, document: Schema) -> Schema:
    """What a local `$ref` at the root or in one of its branches points to; anything else as it is."""
    reference: Any = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found: Any = document
    pointer = reference.removeprefix("#").strip("/")
    for step in pointer.split("/") if pointer else ():
        key = step.replace("~1", "/").replace("~0", "~")
        found = cast("Schema", found).get(key) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise UnusableSchema(f"inputSchema refers to {reference[:80]!r}, which is not in it")
    merged: Schema = {**cast("Schema", found), **schema}
    del merged["$ref"]
    properties = {**_mapping(cast("Schema", found).get("properties")), **_mapping(schema.get("properties"))}
    return merged | {"properties": properties} if properties else merged


def _mapping(value: Any) -> Schema:
    return cast("Schema", value) if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [name for name in cast("list[Any]", value) if isinstance(name, str)] if isinstance(value, list) else []
