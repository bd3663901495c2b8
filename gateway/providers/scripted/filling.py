"""Fills a tool's arguments from the words of a clause, by the names and types in its schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gateway.providers.scripted.json_values import as_list, as_object
from gateway.providers.scripted.phrases import Phrase

_ZONE = re.compile(r"zone|(?<![a-z])tz(?![a-z])")
_URL = re.compile(r"ur[il]|link|href")
_SUM = re.compile(r"expression|formula|equation|math")
_FOLDER = re.compile(r"dir|folder|root")
_PATH = re.compile(r"path|file|source|destination")
_BODY = re.compile(r"text|content|body|message|value|code|command|script|data|new|replacement")
_NAME = re.compile(r"name|title|id|key|subject|label|topic")
_NAMED = re.compile(
    r"\b(?:called|named)\s+([\w.-]+)|\b(?:note|file|of)\s+(?!called|named)([\w.-]+)", re.IGNORECASE
)
_AFTER_COLON = re.compile(r":\s+(\S.*)$", re.DOTALL)


def fill_arguments(schema: Mapping[str, Any], phrase: Phrase) -> dict[str, Any]:
    """Every required property, and those others for which the clause plainly has a value."""
    wanted = as_list(schema.get("required"))
    source = _Source(phrase)
    filled: dict[str, Any] = {}
    for name, rules in as_object(schema.get("properties")).items():
        rule = as_object(rules)
        if name in wanted:
            filled[name] = source.required(name, rule)
        elif (value := source.plain(name.lower(), rule)) is not None:
            filled[name] = value
    return filled


class _Source:
    """What a clause has to give; a quoted text is given once."""

    def __init__(self, phrase: Phrase) -> None:
        self._phrase = phrase
        self._quoted = list(phrase.quoted)
        self._paths = list(phrase.paths)
        self._numbers = list(phrase.numbers)

    def required(self, name: str, rule: Mapping[str, Any]) -> Any:
        """A value of the right type, whatever the clause says."""
        if choices := as_list(rule.get("enum")):
            return self._choice(choices)
        if "const" in rule:
            return rule["const"]
        match _type_of(rule):
            case "integer":
                return int(float(self._number(rule)))
            case "number":
                return float(self._number(rule))
            case "boolean":
                return bool(rule.get("default", False))
            case "array":
                return [*self._phrase.urls, *self._quoted, *self._paths]
            case "object":
                return {}
            case _:
                return self._text(name.lower())

    def plain(self, name: str, rule: Mapping[str, Any]) -> Any:
        """A value for an optional property, where the clause has exactly what its name asks for."""
        if _type_of(rule) != "string":
            return None
        if _ZONE.search(name):
            return next(iter(self._phrase.zones), None)
        if _URL.search(name):
            return next(iter(self._phrase.urls), None)
        if _PATH.search(name) or _FOLDER.search(name):
            return next(iter(self._paths), None)
        return None

    def _text(self, name: str) -> str:
        phrase = self._phrase
        if _ZONE.search(name):
            return next(iter(phrase.zones), "UTC")
        if _URL.search(name):
            return next(iter(phrase.urls), None) or self._take_quoted() or phrase.text
        if _SUM.search(name):
            return next(iter(phrase.sums), None) or self._take_quoted() or phrase.text
        if _FOLDER.search(name):
            return self._take_path() or self._take_quoted() or "."
        if _PATH.search(name):
            return self._take_path() or self._take_quoted() or "."
        if _BODY.search(name):
            return self._take_quoted() or self._after_colon() or phrase.text
        if _NAME.search(name):
            return self._take_quoted() or self._take_path() or self._named() or phrase.text
        return self._take_quoted() or phrase.text

    def _take_quoted(self) -> str | None:
        return self._quoted.pop(0) if self._quoted else None

    def _take_path(self) -> str | None:
        return self._paths.pop(0) if self._paths else None

    def _after_colon(self) -> str | None:
        match = _AFTER_COLON.search(self._phrase.text)
        return match.group(1) if match else None

    def _named(self) -> str | None:
        match = _NAMED.search(self._phrase.text)
        return (match.group(1) or match.group(2)) if match else None

    def _number(self, rule: Mapping[str, Any]) -> str:
        if self._numbers:
            return self._numbers.pop(0)
        return str(rule.get("default", rule.get("minimum", 1)))

    def _choice(self, choices: list[Any]) -> Any:
        said = self._phrase.text.lower()
        return next((choice for choice in choices if str(choice).lower() in said), choices[0])


def _type_of(rule: Mapping[str, Any]) -> str:
    """The schema's type; of several, and of a union, the first that is not null."""
    kind: Any = rule.get("type")
    if isinstance(kind, str):
        return kind
    options = as_list(rule.get("anyOf")) or as_list(rule.get("oneOf"))
    kinds = [str(one) for one in as_list(kind)] or [_type_of(as_object(option)) for option in options]
    return next((one for one in kinds if one != "null"), "string")
