"""JSON Schema as Gemini takes it, and Gemini's own schemas as JSON Schema. Nothing that is given is ever changed.

Newer models take JSON Schema with few exceptions (`tidy`). Older ones take a subset of OpenAPI's schemas alone
(`to_openapi`), in which what cannot be said is left out: a model's calls are checked against the tool's own schema
by whoever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.dialects.gemini.fields import camel
from gateway.dialects.json_values import list_or_empty, object_or_none, text_or_empty

_DEEPEST = 48  # levels
_MOST_UNROLLED = 2000  # schemas that references stand for, all together

_MAPS = frozenset({"properties", "$defs", "definitions"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SINGLES = frozenset({"items", "additionalProperties", "not"})
_NOISE = frozenset({"$schema", "$id", "$comment", "title", "examples", "discriminator"})
"""Keywords that Gemini refuses, or is led astray by, and that say nothing of what is valid."""

_KEPT = frozenset(
    {
        *("description", "pattern", "minItems", "maxItems", "minLength", "maxLength"),
        *("minProperties", "maxProperties", "minimum", "maximum"),
    }
)
"""Keywords that mean the same in both."""
_FORMATS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"date-time", "enum"}),
    "number": frozenset({"float", "double"}),
    "integer": frozenset({"int32", "int64"}),
}


def tidy(schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """JSON Schema without the keywords that Gemini refuses also where it takes JSON Schema."""
    told = {name: value for name, value in schema.items() if name not in _NOISE and name != "const"}
    if "const" in schema:
        told.setdefault("enum", [schema["const"]])
        if kind := _type_of(schema["const"]):
            told.setdefault("type", kind)
    _without_exclusive_bounds(told)
    return _within(told, tidy, depth)


def _without_exclusive_bounds(told: dict[str, Any]) -> None:
    """Of whole numbers the next one is the bound; of others, the bound itself is let in."""
    for exclusive, inclusive, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        bound = told.pop(exclusive, None)
        if isinstance(bound, int | float) and not isinstance(bound, bool) and inclusive not in told:
            told[inclusive] = bound + step if told.get("type") == "integer" else bound


def _within(
    told: dict[str, Any], change: Callable[[Mapping[str, Any], int], dict[str, Any]], depth: int
) -> dict[str, Any]:
    """The same with the schemas inside it changed, as deep as anybody would write them."""
    if depth >= _DEEPEST:
        return told
    for name, value in told.items():
        if name in _MAPS and isinstance(value, dict):
            inner = object_or_none(value) or {}
            told[name] = {key: _one(schema, change, depth) for key, schema in inner.items()}
        elif name in _LISTS:
            told[name] = [_one(schema, change, depth) for schema in list_or_empty(value)]
        elif name in _SINGLES:
            told[name] = _one(value, change, depth)
    return told


def _one(value: Any, change: Callable[[Mapping[str, Any], int], dict[str, Any]], depth: int) -> Any:
    schema = object_or_none(value)
    return value if schema is None else change(schema, depth + 1)


def to_openapi(schema: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema as Gemini's `Schema`: references unrolled, `const` an `enum`, null `nullable`."""
    return _Unrolling(schema).write(schema, (), 0)


class _Unrolling:
    """One schema on its way. `root` is where references lead."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_UNROLLED

    def write(self, schema: Mapping[str, Any], under: tuple[str, ...], depth: int) -> dict[str, Any]:
        """`under` are the references that this stands for: one that leads back into itself has no end."""
        reference = text_or_empty(schema.get("$ref"))
        if depth > _DEEPEST or reference in under:
            return {"type": "OBJECT", **_described(schema)}
        if reference:
            self._left -= 1
            found = self._found(reference) if self._left >= 0 else None
            beside = {name: value for name, value in schema.items() if name != "$ref"}
            return self.write({**(found or {"type": "object"}), **beside}, (*under, reference), depth + 1)
        return self._written(_merged(tidy_once(schema)), under, depth)

    def _found(self, reference: str) -> Mapping[str, Any] | None:
        """What a reference within the same schema leads to (RFC 6901)."""
        here: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/") if reference.startswith("#") else ():
            here = (object_or_none(here) or {}).get(step.replace("~1", "/").replace("~0", "~"))
        return object_or_none(here)

    def _written(self, schema: Mapping[str, Any], under: tuple[str, ...], depth: int) -> dict[str, Any]:
        kinds, nullable = _kinds(schema)
        choices = [*list_or_empty(schema.get("anyOf")), *list_or_empty(schema.get("oneOf"))]
        real = [choice for choice in choices if not _is_null(choice)]
        nullable = nullable or len(real) < len(choices) or schema.get("nullable") is True
        if len(real) == 1:  # only null was another choice
            rest = {name: value for name, value in schema.items() if name not in ("anyOf", "oneOf")}
            written = self.write({**(object_or_none(real[0]) or {}), **rest}, under, depth + 1)
        elif real:
            written = {"anyOf": [self._inner(choice, under, depth) for choice in real], **_described(schema)}
        elif len(kinds) > 1:
            each = [self._inner({**schema, "type": kind}, under, depth) for kind in kinds]
            written = {"anyOf": each, **_described(schema)}
        else:
            written = self._plain(schema, kinds[0] if kinds else "", under, depth)
        return {**written, "nullable": True} if nullable else written

    def _plain(self, schema: Mapping[str, Any], kind: str, under: tuple[str, ...], depth: int) -> dict[str, Any]:
        written: dict[str, Any] = {"type": kind.upper()} if kind else {}
        written |= {name: value for name, value in schema.items() if name in _KEPT}
        if text_or_empty(schema.get("format")) in _FORMATS.get(kind, ()):
            written["format"] = schema["format"]
        _write_enum(written, [value for value in list_or_empty(schema.get("enum")) if value is not None])
        properties = object_or_none(schema.get("properties"))
        if properties:
            written["properties"] = {
                name: self._inner(inner, under, depth) for name, inner in properties.items() if inner is not False
            }
            required = list_or_empty(schema.get("required"))
            needed = [name for name in required if isinstance(name, str) and name in written["properties"]]
            written |= {"required": needed} if needed else {}
        if kind == "array":
            written["items"] = self._items(schema, under, depth)
        return written

    def _items(self, schema: Mapping[str, Any], under: tuple[str, ...], depth: int) -> dict[str, Any]:
        """Of a list whose places differ, what may stand in any of them."""
        places = [self._inner(place, under, depth) for place in list_or_empty(schema.get("prefixItems"))]
        items = object_or_none(schema.get("items"))
        if items is not None:
            places.append(self._inner(items, under, depth))
        distinct = [place for index, place in enumerate(places) if place not in places[:index]]
        return distinct[0] if len(distinct) == 1 else ({"anyOf": distinct} if distinct else {"type": "STRING"})

    def _inner(self, value: Any, under: tuple[str, ...], depth: int) -> dict[str, Any]:
        return self.write(object_or_none(value) or {}, under, depth + 1)


def tidy_once(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`tidy` without the schemas inside."""
    return tidy(schema, _DEEPEST)


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    """With `allOf` put together, as far as its members do not contradict each other."""
    merged: dict[str, Any] = {}
    rest = {name: value for name, value in schema.items() if name != "allOf"}
    for value in (*list_or_empty(schema.get("allOf")), rest):
        member = object_or_none(value) or {}
        properties = {
            **(object_or_none(merged.get("properties")) or {}),
            **(object_or_none(member.get("properties")) or {}),
        }
        required = [*list_or_empty(merged.get("required")), *list_or_empty(member.get("required"))]
        merged |= member
        merged |= {"properties": properties} if properties else {}
        merged |= {"required": required} if required else {}
    return merged


def _kinds(schema: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The types, and whether null is one of them; where none is said, what the other keywords show."""
    given: Any = schema.get("type")
    kinds = [given] if isinstance(given, str) else [kind for kind in list_or_empty(given) if isinstance(kind, str)]
    kinds = [kind.lower() for kind in kinds]
    nullable = "null" in kinds or None in list_or_empty(schema.get("enum"))
    kinds = [kind for kind in kinds if kind != "null"]
    if not kinds and not schema.get("anyOf") and not schema.get("oneOf"):
        if "properties" in schema or "additionalProperties" in schema:
            kinds = ["object"]
        elif "items" in schema or "prefixItems" in schema:
            kinds = ["array"]
        else:
            kinds = list(dict.fromkeys(_type_of(value) for value in list_or_empty(schema.get("enum")) if value))
    return [kind for kind in kinds if kind], nullable


def _write_enum(written: dict[str, Any], values: list[Any]) -> None:
    """Of other values than strings, the description tells: a string in their place would be wrong."""
    if not values:
        return
    if all(isinstance(value, str) for value in values) and written.get("type") in ("STRING", None):
        written |= {"type": "STRING", "enum": values}
        return
    told = "One of: " + ", ".join(str(value) for value in values[:50])
    before = text_or_empty(written.get("description"))
    written["description"] = f"{before} {told}" if before else told


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    description = text_or_empty(schema.get("description"))
    return {"description": description} if description else {}


def _is_null(value: Any) -> bool:
    schema = object_or_none(value) or {}
    return schema.get("type") == "null" or ("const" in schema and schema["const"] is None)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = ((str, "string"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "")


def from_openapi(schema: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Gemini's `Schema` as JSON Schema, for providers that take that."""
    told: dict[str, Any] = {}
    for name, value in schema.items():
        known = camel(name)
        if known not in ("nullable", "propertyOrdering", "example", "type"):
            told[known] = value
    for name in ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"):
        if isinstance(told.get(name), str) and told[name].isdecimal():  # 64-bit numbers are strings in JSON
            told[name] = int(told[name])
    if isinstance(schema.get("type"), str):
        told["type"] = schema["type"].lower()
    if schema.get("nullable") is True:
        told = _or_null(told)
    return _within(told, from_openapi, depth)


def _or_null(told: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in told:
        return {**told, "anyOf": [*list_or_empty(told["anyOf"]), {"type": "NULL"}]}
    if "enum" in told:
        told = {**told, "enum": [*list_or_empty(told["enum"]), None]}
    return {**told, "type": [told["type"], "null"]} if "type" in told else told
