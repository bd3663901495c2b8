"""What an operation answers, where that is always one and the same object: the schema of a tool's output.

Above: `operations`. Below: `document` and `schemas`. Refuses to know: answers.
"""

from __future__ import annotations

from typing import Any, cast

import orjson

from gateway.hub.openapi.document import DocumentFault, Node
from gateway.hub.openapi.schemas import Schema, read_schema

_LARGEST = 64 * 1024  # bytes of JSON


def read_output(operation: Node) -> Schema | None:
    """The schema of every successful answer; None where one may be something else than a JSON object."""
    try:
        found = list(_schemas(operation))
    except DocumentFault:  # the operation can be called all the same
        return None
    if not found or any(schema is None or schema != found[0] for schema in found):
        return None
    schema = found[0]
    is_object = isinstance(schema, dict) and cast("Schema", schema).get("type") == "object"
    return cast("Schema", schema) if is_object and len(orjson.dumps(schema)) <= _LARGEST else None


def _schemas(operation: Node) -> list[Any]:
    """For each media type of each success, its schema if it is JSON."""
    responses = operation.get("responses")
    found: list[Any] = []
    for status, response in responses.items() if responses else ():
        if not status.startswith("2"):
            continue
        content = response.resolved().get("content")
        media_types = list(content.items()) if content else []
        found += [_schema(media, node) for media, node in media_types] or [None]
    return found


def _schema(media: str, node: Node) -> Any:
    kind = media.partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    schema = node.object().get("schema")
    return read_schema(schema, "response") if schema else None
