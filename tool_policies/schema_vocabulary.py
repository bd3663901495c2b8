"""Checks the JSON Schemas of policies more strictly than JSON Schema does.

JSON Schema passes over keywords that it does not know, so a misspelt `maxLength` limits nothing, and `format`
only describes. In a policy both would be holes: what is not enforced is refused, with what to write instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from tool_policies.findings import Path, Problem
from tool_policies.regex import InvalidRegex, compile_regex

Schema = Mapping[str, Any] | bool

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ONE_SCHEMA = frozenset(
    {"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"},
)
_LIST_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED_SCHEMAS = frozenset({"$defs", "dependentSchemas", "properties"})
_PLAIN = frozenset(
    {
        *("$ref", "const", "dependentRequired", "enum", "exclusiveMaximum", "exclusiveMinimum", "maxContains"),
        *("maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength"),
        *("minProperties", "minimum", "multipleOf", "pattern", "required", "type", "uniqueItems"),
    }
)
_REMARKS = frozenset({"$comment", "$schema", "default", "description", "examples", "title"})
KEYWORDS = _ONE_SCHEMA | _LIST_OF_SCHEMAS | _NAMED_SCHEMAS | _PLAIN | _REMARKS
"""All the keywords that a schema in a policy may have."""

_INSTEAD = {
    "format": "it only describes and checks nothing; write a `pattern`",
    "patternProperties": "use `propertyNames` and `additionalProperties`",
    "unevaluatedProperties": "use `additionalProperties: false`",
    "unevaluatedItems": "use `items: false` beside `prefixItems`",
    "definitions": "it is called `$defs`",
    "dependencies": "use `dependentRequired` or `dependentSchemas`",
    "additionalItems": "use `items` beside `prefixItems`",
    "$id": "leave it out: a schema refers to its own `$defs` alone",
    "$anchor": "refer to `#/$defs/...`",
    "$dynamicRef": "use `$ref` to `#/$defs/...`",
    "$dynamicAnchor": "refer to `#/$defs/...`",
}
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def schema_problems(schema: Any) -> list[Problem]:
    """Everything that is wrong with a schema; paths begin at its root."""
    problems = list(_walk(schema, (), schema))
    return problems or [_meta_problem(error) for error in _META.iter_errors(schema)]


_META: Any = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _meta_problem(error: ValidationError) -> Problem:
    return Problem(tuple(error.absolute_path), f"not valid JSON Schema: {error.message[:200]}")


def _walk(schema: Any, path: Path, document: Any) -> Iterator[Problem]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield Problem(path, "a schema must be a mapping, true or false")
        return
    for keyword, value in cast("Mapping[str, Any]", schema).items():
        here = (*path, keyword)
        if keyword not in KEYWORDS:
            yield Problem(
                here, f"{keyword!r} is not a JSON Schema keyword that policies know", _hint(keyword, value)
            )
        else:
            yield from _check_value(keyword, value, here, document)


def _check_value(keyword: str, value: Any, path: Path, document: Any) -> Iterator[Problem]:
    if keyword in _ONE_SCHEMA:
        yield from _walk(value, path, document)
    elif keyword in _LIST_OF_SCHEMAS and isinstance(value, list):
        for index, inner in enumerate(cast("list[Any]", value)):
            yield from _walk(inner, (*path, index), document)
    elif keyword in _NAMED_SCHEMAS and isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield from _walk(inner, (*path, name), document)
    elif keyword in _CHECKS:
        yield from _CHECKS[keyword](value, path, document)


def _check_reference(value: Any, path: Path, document: Any) -> Iterator[Problem]:
    hint = "write it as #/$defs/name, and the schema beneath `$defs` at the root"
    if not isinstance(value, str) or not (value == "#" or value.startswith("#/")):
        yield Problem(path, "only references within the schema itself are followed", hint)
        return
    found = document
    for step in value[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = cast("Mapping[str, Any]", found).get(name) if isinstance(found, Mapping) else None
    if not isinstance(found, bool | Mapping):
        yield Problem(path, f"there is no schema at {value[:80]!r}", hint)


def _check_pattern(value: Any, path: Path, _: Any) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(path, "a pattern must be a string", "put it in quotes")
        return
    try:
        compile_regex(value)
    except InvalidRegex as error:
        hint = "patterns are those of ECMA-262 without look-around and back-references"
        yield Problem(path, f"not a regular expression that is matched here: {error}", hint)


def _check_type(value: Any, path: Path, _: Any) -> Iterator[Problem]:
    names = cast("list[Any]", value) if isinstance(value, list) else [value]
    for name in names:
        if name not in _TYPES:
            close = difflib.get_close_matches(str(name), _TYPES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"types are {', '.join(_TYPES)}"
            yield Problem(path, f"{str(name)[:40]!r} is not a type", hint)


def _check_dialect(value: Any, path: Path, _: Any) -> Iterator[Problem]:
    if value != _DIALECT:
        yield Problem(path, "schemas are those of JSON Schema 2020-12", f"write {_DIALECT}, or leave it out")


_CHECKS = {"$ref": _check_reference, "pattern": _check_pattern, "type": _check_type, "$schema": _check_dialect}


def _hint(keyword: str, value: Any) -> str:
    if keyword in _INSTEAD:
        return _INSTEAD[keyword]
    close = difflib.get_close_matches(keyword, sorted(KEYWORDS), n=1, cutoff=0.75)
    if close:
        return f"did you mean {close[0]!r}?"
    if isinstance(value, Mapping):
        return f"a schema for the argument {keyword!r} stands beneath `properties`"
    return "see JSON Schema 2020-12 for the keywords"
