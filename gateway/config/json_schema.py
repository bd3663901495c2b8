"""The JSON Schema of the gateway's file, for editors: `# yaml-language-server: $schema=...` in its first line."""

from __future__ import annotations

from typing import Any, cast

from gateway.config.mcp_documents import ConfigDocument

_REFERENCE = {"type": "string", "pattern": r"\$\{"}


def config_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the gateway's file. `load_config` finds more than an editor does with it."""
    schema = ConfigDocument.model_json_schema(by_alias=True)
    schema = cast("dict[str, Any]", _with_references(schema))
    schema["required"] = ["version"]
    schema["title"] = "toolgate configuration"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _with_references(schema: Any) -> Any:
    """The same schema, in which `${VARIABLE}` may stand wherever a value of some form is wanted."""
    if isinstance(schema, list):
        return [_with_references(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    node = {key: _with_references(value) for key, value in cast("dict[str, Any]", schema).items()}
    return _or_reference(node) if _wants_form(node) else node


def _wants_form(node: dict[str, Any]) -> bool:
    return node.get("type") in ("integer", "number", "boolean") or isinstance(node.get("enum"), list)


def _or_reference(node: dict[str, Any]) -> dict[str, Any]:
    outside = {key: node.pop(key) for key in ("title", "description", "default") if key in node}
    return {**outside, "anyOf": [node, _REFERENCE]}
