"""Checks arguments against a tool's input schema, so that a model learns what to mend before anything runs.

A tool's schema is the server's own text: it may be broken, or made to keep us busy. Checking it can neither
hang the gateway nor stand in the way of a call: what we cannot check, the server still checks itself.
Policies do not rest on this; their argument rules have a validator of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators
from referencing import Registry

from gateway.hub import CatalogueTool
from gateway.telemetry.visible import one_line

_log = logging.getLogger(__name__)

_MOST_ERRORS = 5
_LONGEST_PATH = 120
_LONGEST_ERROR = 300  # characters; the library's messages quote the value
_MOST_STEPS = 50_000  # some 0.2 s: a keyword applied to a value is one step, and more where either is large
_REFERENCE_STEPS = 10  # what following a reference takes
_BYTES_A_STEP = 256  # of the value, because a failing keyword writes it out

# Not checked, because a hostile schema could hang us with them (patterns are ECMA-262 besides, and Python's
# engine backtracks; `uniqueItems` is quadratic for mixed lists), or because they build on patterns.
_UNCHECKED = (
    "pattern",
    "patternProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "uniqueItems",
)

# What is left out inside one of these can turn its verdict around, not only loosen it.
_NOT_MONOTONE = frozenset({"not", "oneOf", "anyOf", "contains", "if", "disallow"})

# These go through the value's own members, however small the schema is.
_THROUGH_MEMBERS = frozenset({"items", "additionalItems", "contains", "propertyNames", "additionalProperties"})


class SchemaChecks:
    """Validators of the tools of one catalogue generation, compiled when first used."""

    def __init__(self) -> None:
        self._generation = -1
        self._compiled: dict[str, _SchemaCheck] = {}

    def problems(self, tool: CatalogueTool, arguments: Mapping[str, Any], generation: int) -> tuple[str, ...]:
        """What is wrong with the arguments, at most five things, each with its path; empty when all is well.

        They are held against the schema that the server sent, not the looser one that models are shown.
        """
        if generation != self._generation:
            self._generation, self._compiled = generation, {}
        try:
            check = self._compiled.get(tool.qualified)
            if check is None:
                check = self._compiled[tool.qualified] = _SchemaCheck(tool.definition["inputSchema"])
            return check.problems(arguments)
        except Exception as error:  # noqa: BLE001 - a foreign schema breaks in any way; the server checks too
            _log.warning("the input schema of %s cannot be checked: %s", tool.qualified, type(error).__name__)
            return ()


class _TooManySteps(Exception):
    """The schema and the arguments together would keep the validator busy for too long."""


class _SchemaCheck:
    """One schema, with a meter on the steps that checking it takes and on what was left out."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._steps = 0
        self._left_out = 0
        self._sizes: dict[int, int] = {}
        dialect: Any = cast("Any", validators).validator_for(schema, default=Draft202012Validator)
        keywords: dict[str, Any] = {name: self._metered(name, check) for name, check in dialect.VALIDATORS.items()}
        keywords |= dict.fromkeys(_UNCHECKED, self._leave_out)
        metered: Any = cast("Any", validators).extend(dialect, keywords)
        # An empty registry: a reference to a document elsewhere is never fetched.
        self._validator: Any = metered(schema, registry=Registry[Any]())

    def problems(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        self._steps = self._left_out = 0
        value = dict(arguments)
        self._sizes = {}
        _measure(value, self._sizes)
        try:
            errors = cast("Iterator[ValidationError]", self._validator.iter_errors(value))
            certain = (error for error in errors if self._is_certain(error))
            return tuple(_describe(error) for error in islice(certain, _MOST_ERRORS))
        finally:
            self._sizes = {}

    def _is_certain(self, error: ValidationError) -> bool:
        return not self._left_out or _NOT_MONOTONE.isdisjoint(map(str, error.absolute_schema_path))

    def _leave_out(self, *_: Any) -> tuple[ValidationError, ...]:
        self._left_out += 1
        return ()

    def _metered(self, keyword: str, check: Callable[..., Iterable[ValidationError] | None]) -> Callable[..., Any]:
        def metered(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
            self._charge(keyword, value, instance)
            if keyword == "additionalProperties" and "patternProperties" in schema:
                return self._leave_out()
            return check(validator, value, instance, schema) or ()

        return metered

    def _charge(self, keyword: str, value: Any, instance: Any) -> None:
        self._steps += 1 + self._size(instance) // _BYTES_A_STEP
        if isinstance(value, list | dict):
            self._steps += len(cast("list[Any]", value))
        elif keyword.endswith(("$ref", "Ref")):
            self._steps += _REFERENCE_STEPS
        if keyword in _THROUGH_MEMBERS and isinstance(instance, list | dict):
            self._steps += len(cast("list[Any]", instance))
        if self._steps > _MOST_STEPS:
            raise _TooManySteps

    def _size(self, instance: Any) -> int:
        if isinstance(instance, str):
            return len(instance)
        return self._sizes.get(id(cast("object", instance)), 1)


def _measure(value: Any, sizes: dict[int, int]) -> int:
    """Note by id how many characters each list and object has, roughly; they are at most 64 levels deep."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        size = sum(len(name) + _measure(inner, sizes) for name, inner in members.items())
    elif isinstance(value, list):
        size = sum(_measure(inner, sizes) + 2 for inner in cast("list[Any]", value))
    else:
        return 4
    sizes[id(cast("object", value))] = size
    return size


def _describe(error: ValidationError) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    where = one_line(path.removeprefix("."), _LONGEST_PATH)
    what = one_line(error.message, _LONGEST_ERROR)
    return f"{where}: {what}" if where else what
