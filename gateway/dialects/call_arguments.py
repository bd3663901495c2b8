"""The arguments of tool calls, for formats that have them as objects: they are text in the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.dialects.json_values import object_or_none

NOT_JSON = "INVALID_JSON"
"""The one argument of a call whose own are no JSON object: what the model wrote, for it to see."""

TOO_DEEP = "(arguments that are nested too deeply)"


def arguments_object(text: str) -> Mapping[str, Any]:
    """The object that the text of a call's arguments holds."""
    if not text.strip():
        return {}
    try:
        found = object_or_none(orjson.loads(text))
    except orjson.JSONDecodeError:
        found = None
    return {NOT_JSON: text} if found is None else found


def json_text(value: Any, *, too_deep: str = TOO_DEEP) -> str:
    """A JSON value as text; `too_deep` where it is nested more deeply than can be written."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return too_deep
