"""What a client of an older version says that it can be asked, and whether a question is one of those. No I/O.

Questions are requests of a server to its client: for a form (`elicitation`), for words of the client's model
(`sampling`), for its folders (`roots`). In 2026-07-28 they are a part of results, before that they are requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

PASSED_ON = ("elicitation", "sampling", "roots")
"""What a client can do that a server may count on, through us: that it answers such questions."""

_PARTS: Mapping[str, tuple[str, ...]] = {
    "elicitation": ("form", "url"),
    "sampling": ("tools", "context"),
    "roots": (),
}

Abilities = Mapping[str, Mapping[str, Any]]
"""By the names in `PASSED_ON`, and in each the parts of it that the client names."""

NONE: Abilities = {}


def read_abilities(capabilities: Any) -> Abilities:
    """Those among the capabilities of `initialize`: as little as can be kept for a session."""
    if not isinstance(capabilities, dict):
        return NONE
    said = cast("dict[str, Any]", capabilities)
    return {name: _parts(name, cast("dict[str, Any]", said[name])) for name in PASSED_ON if _is_said(said, name)}


def _is_said(said: Mapping[str, Any], name: str) -> bool:
    return isinstance(said.get(name), dict)


def _parts(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {part: {} for part in _PARTS[name] if _is_said(said, part)}


def can_answer(abilities: Abilities, method: str, params: Mapping[str, Any]) -> bool:
    """Whether the client has said that it answers this."""
    match method:
        case "elicitation/create":
            able = abilities.get("elicitation")
            mode = params.get("mode", "form")
            if able is None or not isinstance(mode, str):
                return False
            return mode in able or (mode == "form" and not able)
        case "sampling/createMessage":
            able = abilities.get("sampling")
            wants_tools = "tools" in params or "toolChoice" in params
            return able is not None and (not wants_tools or "tools" in able)
        case "roots/list":
            return "roots" in abilities
        case _:
            return False
