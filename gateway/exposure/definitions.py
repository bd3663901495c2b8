"""Tools of the catalogue as a model sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from gateway.conversation import ToolDefinition
from gateway.hub import CatalogueTool
from gateway.telemetry.visible import make_visible

_TEXTS = frozenset({"description", "title"})
_LONGEST_DESCRIPTION = 16 * 1024  # characters: it goes to the model with every request
_DEEPEST = 200  # levels; with what stands around it, a request may have 254 to be written


def define(tool: CatalogueTool) -> ToolDefinition:
    """One tool under its wire name; characters that hide text from a reviewer are made visible."""
    description = make_visible((tool.description or tool.title or "")[:_LONGEST_DESCRIPTION])[0]
    schema = cast("Mapping[str, Any]", _visible_texts(tool.input_schema, _DEEPEST))
    return ToolDefinition(tool.wire_name, description, schema)


def _visible_texts(schema: Any, levels: int) -> Any:
    """A schema with its texts for readers made visible; values that mean something to the server stay.

    What lies deeper than `levels` is left out: one such tool, and no request of anybody could be written any more.
    """
    if isinstance(schema, Mapping):
        return {
            key: make_visible(value)[0]
            if key in _TEXTS and isinstance(value, str)
            else _visible_texts(value, levels - 1)
            for key, value in cast("Mapping[str, Any]", schema).items()
            if levels
        }
    if isinstance(schema, list):
        return [_visible_texts(item, levels - 1) for item in cast("list[Any]", schema) if levels]
    return schema
