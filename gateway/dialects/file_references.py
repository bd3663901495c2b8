"""Files at a provider that a request refers to by their ids, in whatever dialect it is.

Above: the API decides whose they are. One walk serves all dialects, for the names are few; what only tells of a
file, such as a citation in an earlier answer, refers to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

_ONE = frozenset({"file_id", "fileUri", "file_uri"})
_SEVERAL = "file_ids"
_MARKS = (b'"file_id', b'"fileUri"', b'"file_uri"')
_ESCAPED = re.compile(rb"\\u00(?:5[fF]|[46][1-9a-fA-F]|[57][0-9aA])")
"""A letter or a dash of a field's name spelt as an escape: no program writes one so, unless to deceive."""

_NOT_WALKED = frozenset(
    {
        *(
            "arguments",
            "args",
            "parameters",
            "input_schema",
            "inputSchema",
            "schema",
        ),  # of tools: the client's own
        *("annotations", "citations", "results", "metadata"),
    }
)
_TELLING = "_execution_output"
"""What ends the type of what a provider's tool said that it had made."""
_GOOGLES = re.compile(r"files/|.*generativelanguage", re.IGNORECASE | re.DOTALL)
"""Other addresses are of what anybody can reach, or whoever Google says."""


def may_refer(body: bytes) -> bool:
    """Whether the bytes of a request could name a file: quick, and never wrong when it says no."""
    for mark in _MARKS:
        if mark in body:
            return True
    return b"\\u00" in body and _ESCAPED.search(body) is not None


def file_references(fields: Mapping[str, Any]) -> Iterator[str]:
    """The ids, each as often as it stands there."""
    left: list[Any] = [value for name, value in fields.items() if name not in _NOT_WALKED]
    while left:
        value = left.pop()
        if isinstance(value, list):
            left += cast("list[Any]", value)
        elif isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            if str(members.get("type", "")).endswith(_TELLING):
                continue
            yield from _named(members)
            # Of a call to a tool, `input` is what the model made up for it; a request's own stands at the top.
            left += [held for name, held in members.items() if name not in _NOT_WALKED and name != "input"]


def _named(members: Mapping[str, Any]) -> Iterator[str]:
    for name in _ONE & members.keys():
        told = members[name]
        if isinstance(told, str) and (name == "file_id" or _GOOGLES.match(told)):
            yield told
    several = members.get(_SEVERAL)
    if isinstance(several, list):
        yield from (one for one in cast("list[Any]", several) if isinstance(one, str))
