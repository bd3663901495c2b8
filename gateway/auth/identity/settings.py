"""What an operator says of an issuer, and which claims lead to which key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from gateway.auth.principal import KeyId
from gateway.wildcards import matches

_WORDS = frozenset({"scope", "scp"})
"""Claims that hold several words in one text (RFC 8693, section 4.2)."""
_DEEPEST = 8  # levels of a claim's name with dots

Condition = tuple[str, tuple[str | bool, ...]]
"""A claim, and what it may be: texts in which `*` stands for any characters, true, or false."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """Tokens for which all conditions hold act as this key."""

    key_id: KeyId
    when: tuple[Condition, ...] = ()

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is about a token with these claims."""
        return all(_fits(claim_values(claims, name), wanted) for name, wanted in self.when)


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """One issuer. Its tokens must be for one of `audiences` and be signed with one of `algorithms`; `user_claim`
    names the user. Clocks may differ by `leeway` seconds. As bearer tokens they act as the key of the first of
    `rules` that holds, if they were granted all of `scopes`; where there are no rules they only say who the user
    behind a key is.
    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    user_claim: str = "sub"
    leeway: float = 30.0
    rules: tuple[KeyRule, ...] = ()
    scopes: frozenset[str] = frozenset()

    def key_for(self, claims: Mapping[str, Any]) -> KeyId | None:
        """The key as which a token with these claims acts; None where no rule holds."""
        return next((rule.key_id for rule in self.rules if rule.holds(claims)), None)


def claim_values(claims: Mapping[str, Any], name: str) -> Sequence[Any]:
    """What a claim says, one by one. Its name is taken as it stands, or else as a path with dots."""
    found: Any = claims.get(name)
    if found is None and name.count(".") < _DEEPEST:
        found = claims
        for step in name.split("."):
            found = cast("dict[str, Any]", found).get(step) if isinstance(found, dict) else None
    if isinstance(found, list):
        return cast("list[Any]", found)
    if isinstance(found, str) and name in _WORDS:
        return found.split(" ")
    return () if found is None else (found,)


def _fits(values: Sequence[Any], wanted: Sequence[str | bool]) -> bool:
    return any(_is(value, one) for value in values for one in wanted)


def _is(value: Any, wanted: str | bool) -> bool:
    if isinstance(wanted, bool):
        return value is wanted
    return isinstance(value, str) and matches(wanted, value)
