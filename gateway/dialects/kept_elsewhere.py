"""What requests refer to that is kept at the model's provider, or that it would fetch with the operator's rights.

All keys share one account there: of a file, a container or a bucket nobody here can tell whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from gateway.dialects.json_values import list_or_empty, object_or_none
from gateway.dialects.tool_types import ProviderTool

FILES = "files"
CONTAINER = "container"

_SHOWN = frozenset({None, "file", "input_file", "input_image", "container_upload", "computer_screenshot"})
"""Types of what has a `file_id` to be shown to the model; others cite one, or say that a tool has made it."""
_ADDRESSES = frozenset({"url", "image_url", "file_url", "video_url", "file_data"})
_NAMES = frozenset({"file_id", "s3Location", "fileUri", "file_uri", *_ADDRESSES})
"""Of fields that may refer to something: all others are passed over at once."""
_BUCKETS = ("gs://", "s3://", "azureml://", "oss://")
_DATA = frozenset({"input", "args", "response", "json", "arguments", "results", "annotations"})
"""Fields of calls and results in which a tool's own data stands, whatever its fields are called."""


def kept_files(value: Any, where: str) -> Iterator[ProviderTool]:
    """One for each message or item in `value` that refers to a file at the provider's."""
    for index, entry in enumerate(list_or_empty(value) or [value]):
        if isinstance(entry, dict | list) and _refers(entry):
            yield ProviderTool(f"{where}[{index}]" if isinstance(value, list) else where, FILES)


def containers(value: Any, where: str) -> Iterator[ProviderTool]:
    """Those of a list of OpenAI's tools that name a container, or files for one."""
    for index, entry in enumerate(list_or_empty(value)):
        tool = object_or_none(entry) or {}
        param = f"{where}[{index}]"
        environment = object_or_none(tool.get("environment")) or {}
        held = object_or_none(tool.get("container")) or {}
        if isinstance(tool.get("container"), str) or environment.get("container_id"):
            yield ProviderTool(param, CONTAINER)
        if held.get("file_ids") or environment.get("file_ids"):
            yield ProviderTool(param, FILES)
        if tool.get("type") == "namespace":
            yield from containers(tool.get("tools"), f"{param}.tools")


def _refers(value: Any) -> bool:
    left: list[Any] = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += cast("list[Any]", one)
        elif isinstance(one, dict):
            fields = cast("dict[str, Any]", one)
            for name, inner in fields.items():
                if name in _NAMES and _is_kept(name, inner, fields):
                    return True
                if isinstance(inner, dict | list) and name not in _DATA:
                    left.append(inner)
    return False


def _is_kept(name: str, value: Any, beside: Mapping[str, Any]) -> bool:
    match name:
        case "file_id":
            return isinstance(value, str) and _kind(beside) in _SHOWN
        case "s3Location":
            return value is not None
        case "fileUri" | "file_uri":
            return isinstance(value, str) and not _is_public(value)
        case _:
            return _is_in_bucket(value)


def _kind(fields: Mapping[str, Any]) -> str | None:
    kind = fields.get("type")
    return kind if isinstance(kind, str) else None


def _is_public(address: str) -> bool:
    """Of Google's own addresses no page is."""
    address = address.strip().lower()
    return address.startswith(("http://", "https://")) and "googleapis.com/" not in address


def _is_in_bucket(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:16].lower().startswith(_BUCKETS)
