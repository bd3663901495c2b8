"""Tools of the catalogue as a model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.conversation import ToolDefinition
from gateway.hub import CatalogueTool
from gateway.telemetry.visible import make_visible

_TEXTS = frozenset({"description", "title"})


def define(tool: CatalogueTool) -> ToolDefinition:
    """One tool under its wire name; characters that hide text from a reviewer are made visible."""
    description = make_visible(tool.description or tool.title or "")[0]
    return ToolDefinition(
        tool.wire_name, description, cast("Mapping[str, Any]", _visible_texts(tool.input_schema))
    )


def _visible_texts(schema: Any) -> Any:
    """A schema with its texts for readers made visible; values that mean something to the server stay."""
    if isinstance(schema, Mapping):
        return {
            key: make_visible(value)[0] if key in _TEXTS and isinstance(value, str) else _visible_texts(value)
            for key, value in cast("Mapping[str, Any]", schema).items()
        }
    if isinstance(schema, list):
        return [_visible_texts(item) for item in cast("list[Any]", schema)]
    return schema
