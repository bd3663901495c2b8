"""Checks arguments against a tool's input schema, so that a model learns what to mend before anything runs.

A tool's schema is the server's own text: it may be broken, or made to keep us busy. Checking it can neither
hang the gateway nor stand in the way of a call: what we cannot check, the server still checks itself.
Policies do not rest on this; their argument rules have a validator of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
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
_MOST_REFERENCES = 10_000  # followed in one check; only references can make a small schema a long job

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
_NOT_MONOTONE = frozenset({"not", "oneOf", "anyOf", "contains", "if"})


class SchemaChecks:
    """Validators of the tools of one catalogue generation, compiled when first used."""

    def __init__(self) -> None:
        self._generation = -1
        self._compiled: dict[str, _SchemaCheck] = {}

    def problems(self, tool: CatalogueTool, arguments: Mapping[str, Any], generation: int) -> tuple[str, ...]:
        """What is wrong with the arguments, at most five things, each with its path; empty when all is well."""
        if generation != self._generation:
            self._generation, self._compiled = generation, {}
        check = self._compiled.get(tool.qualified)
        if check is None:
            check = self._compiled[tool.qualified] = _SchemaCheck(tool.input_schema)
        try:
            return check.problems(arguments)
        except Exception as error:  # noqa: BLE001 - a foreign schema breaks in any way; the server checks too
            _log.warning("the input schema of %s cannot be checked: %s", tool.qualified, type(error).__name__)
            return ()


class _TooManyReferences(Exception):
    """The schema sends the validator round and round."""


class _SchemaCheck:
    """One schema, with a meter on the references it follows and on what was left out."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._references = 0
        self._left_out = 0
        keywords: dict[str, Any] = dict.fromkeys(_UNCHECKED, self._leave_out)
        keywords |= {name: self._metered(name) for name in ("$ref", "$dynamicRef")}
        keywords["additionalProperties"] = self._additional_properties
        metered: Any = cast("Any", validators).extend(Draft202012Validator, keywords)
        # An empty registry: a reference to a document elsewhere is never fetched.
        self._validator: Any = metered(schema, registry=Registry[Any]())

    def problems(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        self._references = self._left_out = 0
        errors = cast("Iterator[ValidationError]", self._validator.iter_errors(dict(arguments)))
        certain = (error for error in errors if self._is_certain(error))
        return tuple(_describe(error) for error in islice(certain, _MOST_ERRORS))

    def _is_certain(self, error: ValidationError) -> bool:
        return not self._left_out or _NOT_MONOTONE.isdisjoint(map(str, error.absolute_schema_path))

    def _leave_out(self, *_: Any) -> tuple[ValidationError, ...]:
        self._left_out += 1
        return ()

    def _metered(self, keyword: str) -> Callable[..., Iterator[ValidationError]]:
        follow: Any = Draft202012Validator.VALIDATORS[keyword]

        def reference(*arguments: Any) -> Iterator[ValidationError]:
            self._references += 1
            if self._references > _MOST_REFERENCES:
                raise _TooManyReferences
            yield from follow(*arguments)

        return reference

    def _additional_properties(
        self, validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]
    ) -> Iterator[ValidationError]:
        if "patternProperties" in schema:
            self._left_out += 1
            return
        keyword: Any = Draft202012Validator.VALIDATORS["additionalProperties"]
        yield from keyword(validator, allowed, instance, schema) or ()


def _describe(error: ValidationError) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    where = one_line(path.removeprefix("."), _LONGEST_PATH)
    what = one_line(error.message, _LONGEST_ERROR)
    return f"{where}: {what}" if where else what
