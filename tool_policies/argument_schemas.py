"""JSON Schema 2020-12 over a call's arguments: what `when` and `require` are.

By the jsonschema library, with those keywords replaced that a model could keep busy: `pattern` is matched in
linear time, `uniqueItems` compares by hash. References stay within the schema; nothing is ever fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

from tool_policies.findings import Problem, dotted
from tool_policies.regex import compile_regex
from tool_policies.schema_vocabulary import Schema, schema_problems

_LONGEST_NAME = 120
_LONGEST_VALUE = 200

_compiled = lru_cache(maxsize=1024)(compile_regex)


class InvalidSchema(ValueError):
    """The schema cannot be used; `problems` says all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{dotted(problem.path)}: {problem.message}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first thing in which arguments do not meet a schema. `expected` is the operator's: not for the model.

    `argument` is where, as a dotted path, and empty for the arguments as a whole.
    """

    argument: str
    keyword: str
    expected: str


class ArgumentSchema:
    """A compiled schema. Raises InvalidSchema when made; never changes after."""

    def __init__(self, schema: Schema) -> None:
        if problems := schema_problems(schema):
            raise InvalidSchema(problems)
        self.schema = schema
        # An empty registry: a reference to a document elsewhere has nowhere to be found.
        self._validator: Any = _VALIDATOR(schema, registry=Registry[Any]())
        try:
            self.mismatch({})
        except RecursionError:
            raise InvalidSchema([Problem((), "it refers to itself without end")]) from None

    def mismatch(self, arguments: Mapping[str, Any]) -> Mismatch | None:
        """What does not meet the schema; None when all does.

        Raises `tool_policies.regex.TextTooLong`, and RecursionError for values nested too deep.
        """
        if self.schema is True:
            return None
        instance = arguments if isinstance(arguments, dict) else dict(arguments)
        error = next(cast("Iterator[ValidationError]", self._validator.iter_errors(instance)), None)
        return None if error is None else _mismatch(error)


def _mismatch(error: ValidationError) -> Mismatch:
    keyword = error.validator if isinstance(error.validator, str) else "false"
    path = [*error.absolute_path, *_named_by(error)]
    return Mismatch(visible(dotted(path), _LONGEST_NAME), keyword, _expected(error))


def _named_by(error: ValidationError) -> tuple[str, ...]:
    """The argument that an error about the whole object is really about."""
    members = cast("Any", error.instance)
    wanted = cast("Any", error.validator_value)
    if error.validator == "required":
        return next(((name,) for name in wanted if name not in members), ())
    if error.validator == "additionalProperties":
        known = cast("Any", error.schema).get("properties", {})
        return next(((name,) for name in members if name not in known), ())
    return ()


def _expected(error: ValidationError) -> str:
    return visible(json.dumps(error.validator_value, ensure_ascii=True, default=str), _LONGEST_VALUE)


def visible(text: str, longest: int) -> str:
    """At most `longest` characters on one line, with what cannot be seen escaped."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut if cut.isprintable() else "".join(s if s.isprintable() else ascii(s)[1:-1] for s in cut)


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _compiled(pattern).search(instance):
        yield ValidationError("does not match")


def _unique_items(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if wanted and validator.is_type(instance, "array"):
        items = cast("list[Any]", instance)
        if len({_frozen(item) for item in items}) < len(items):
            yield ValidationError("has an item twice")


def _frozen(value: Any) -> Any:
    """Equal for values that are equal in JSON, where 1 is 1.0 but not true."""
    match value:
        case bool():
            return ("boolean", value)
        case list():
            return ("array", tuple(_frozen(item) for item in cast("list[Any]", value)))
        case dict():
            members = cast("dict[str, Any]", value)
            return ("object", frozenset((name, _frozen(inner)) for name, inner in members.items()))
        case _:
            return value


_VALIDATOR: Any = cast("Any", validators).extend(
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items}
)
