"""Small OpenAPI documents for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gateway.hub.openapi import Api, read_api

URL = "https://api.example.com/v1"


def written(folder: Path, document: dict[str, Any]) -> Path:
    """The document in a file."""
    path = folder / "api.json"
    path.write_text(json.dumps({"openapi": "3.1.0", "servers": [{"url": URL}], **document}))
    return path


def api_of(folder: Path, paths: dict[str, Any], *, version: str = "3.1.0", schemas=None, **options: Any) -> Api:
    """The API with these paths."""
    document = {"openapi": version, "paths": paths, "components": {"schemas": schemas or {}}}
    return read_api(written(folder, document), **options)


def operation_of(folder: Path, path: str = "/things", method: str = "get", **fields: Any):
    """The one operation of an API; a `version` is the document's."""
    version = fields.pop("version", "3.1.0")
    schemas = fields.pop("schemas", None)
    api = api_of(folder, {path: {method: {"operationId": "op", **fields}}}, version=version, schemas=schemas)
    assert not api.left_out, api.left_out
    return api.operations["op"], api.base


def reason_of(folder: Path, path: str = "/things", method: str = "get", **fields: Any) -> str:
    """Why the one operation of an API is left out."""
    api = api_of(folder, {path: {method: {"operationId": "op", **fields}}})
    (left_out,) = api.left_out
    return str(left_out.fault)
