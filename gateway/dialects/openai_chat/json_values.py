"""JSON values of unknown shape, narrowed: something of the wanted type, or nothing."""

from __future__ import annotations

from typing import Any, cast


def object_or_none(value: Any) -> dict[str, Any] | None:
    """A JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def list_or_empty(value: Any) -> list[Any]:
    """A JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text_or_empty(value: Any) -> str:
    """A JSON string."""
    return value if isinstance(value, str) else ""
